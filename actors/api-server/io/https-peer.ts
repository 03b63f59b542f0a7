/** Other servers over HTTPS, as this one: those behind APIServices. */
import { request as httpsRequest } from "node:https";
import type { RequestOptions } from "node:https";
import { InkubeError } from "../../../protocols/errors.ts";
import type { Answered, Peer, Reach } from "../aggregation.ts";
import type { ApiServerOptions } from "../spec.ts";
import { refuseUpgrade } from "./upgrades.ts";

/** Discovery of a server with a thousand kinds. */
const ANSWER_BYTES_MAX = 16_777_216;

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

export const reachPeer: Reach = (peer, path, accept, timeoutMs, client) =>
  new Promise<Answered>((resolve, reject) => {
    const options = { ...peerOptions(peer, client), path, headers: { accept, ...OWN_HEADERS }, agent: false };
    const outgoing = httpsRequest(options, (incoming) => {
      const chunks: Buffer[] = [];
      let length = 0;
      incoming.on("data", (chunk: Buffer) => {
        length += chunk.length;
        if (length > ANSWER_BYTES_MAX) outgoing.destroy(new Error("the answer is too large"));
        else chunks.push(chunk);
      });
      incoming.on("error", failed);
      incoming.on("end", () => {
        clearTimeout(late);
        resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") });
      });
    });
    const failed = (error: Error): void => {
      clearTimeout(late);
      reject(new InkubeError("CONNECTION_FAILED", error.message, { retryable: true }));
    };
    const late = setTimeout(
      () => outgoing.destroy(new Error("net/http: request canceled (Client.Timeout exceeded while awaiting headers)")),
      timeoutMs,
    );
    outgoing.on("error", failed);
    refuseUpgrade(outgoing, failed);
    outgoing.end();
  });
