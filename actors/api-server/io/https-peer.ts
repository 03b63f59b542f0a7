/** Other servers over HTTPS, as this one: those behind APIServices. */
import { request as httpsRequest } from "node:https";
import type { RequestOptions } from "node:https";
import { InkubeError } from "../../../protocols/errors.ts";
import type { Peer, Reach } from "../aggregation.ts";
import type { ApiServerOptions } from "../spec.ts";
import { answerText } from "./answer-text.ts";

/** Discovery of a server with a thousand kinds. */
const ANSWER_BYTES_MAX = 16_777_216;

/** As Go's client says it. */
const LATE = "net/http: request canceled (Client.Timeout exceeded while awaiting headers)";

/** As kube-aggregator says who it is. */
const OWN_HEADERS = { "x-remote-user": "system:kube-aggregator", "x-remote-group": "system:masters" };

/** Who is meant, and how it is known. */
export function peerOptions(
  { host, port, serverName, authorities, insecure }: Peer,
  client: ApiServerOptions["proxyClient"],
): RequestOptions {
  return {
    host,
    port,
    servername: serverName,
    rejectUnauthorized: !insecure,
    ...(authorities === "" ? {} : { ca: authorities }),
    ...client,
  };
}

export const reachPeer: Reach = async (peer, path, accept, timeoutMs, client) => {
  const headers = { accept, ...OWN_HEADERS };
  const outgoing = httpsRequest({ ...peerOptions(peer, client), path, headers, agent: false });
  try {
    return await answerText(outgoing, { bytesMax: ANSWER_BYTES_MAX, timeoutMs, late: LATE });
  } catch (error) {
    throw new InkubeError("CONNECTION_FAILED", (error as Error).message, { retryable: true });
  }
};
