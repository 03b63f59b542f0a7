/** HTTPS to other servers: connections are kept and used again, answers are bounded in size and time. */
import type { ClientRequest } from "node:http";
import type { RequestOptions } from "node:https";
import { Agent, request } from "node:https";
import { isIP } from "node:net";
import type { Read } from "../core/webhooks/reply.ts";
import type { HttpsCall, HttpsPeer, HttpsReply, OpenHttps } from "../outward.ts";
import { answerText } from "./answer-text.ts";
import { goWords } from "./go-words.ts";

/** Connections to one server at once: enough for the writes that one thread can have under way. */
const SOCKETS_MAX = 64;
/** Of those, how many are kept. */
const FREE_SOCKETS_MAX = 4;
/** An idle connection is closed before most servers close it. */
const IDLE_MS = 4_000;

export const httpsClient: OpenHttps = () => {
  const agent = new Agent({
    keepAlive: true,
    maxSockets: SOCKETS_MAX,
    maxFreeSockets: FREE_SOCKETS_MAX,
    timeout: IDLE_MS,
  });
  return {
    ask: async (call) => {
      const first = await attempt(agent, call);
      // The server has closed an idle connection while the request was on its way: it has seen nothing of it. Others that are
      // kept may be closed as well, so this goes over one of its own.
      return (first.isStale ? await attempt(false, call) : first).reply;
    },
    close: () => agent.destroy(),
  };
};

/** Who is meant, and how it is known. */
export function tlsOptions({ host, port, serverName, ca, insecure = false, client }: HttpsPeer): RequestOptions {
  return {
    host,
    port,
    // An address is no name for SNI (RFC 6066, section 3); the certificate is held against it all the same.
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
    rejectUnauthorized: !insecure,
    ...(ca === undefined ? {} : { ca }),
    ...client,
  };
}

interface Attempt {
  readonly reply: Read<HttpsReply>;
  /** It went over a connection that was used before, and is no more. */
  readonly isStale: boolean;
}

async function attempt(agent: Agent | false, call: HttpsCall): Promise<Attempt> {
  const { peer, path, headers, body, timeoutMs, late, answerBytesMax: bytesMax, signal } = call;
  let outgoing: ClientRequest | undefined;
  try {
    const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
    outgoing = request({
      ...tlsOptions(peer),
      agent,
      path,
      method: body === undefined ? "GET" : "POST",
      headers: { ...headers, ...length },
    });
    const answered = await answerText(outgoing, { bytesMax, timeoutMs, late, signal }, body);
    const { "content-type": type = "", etag = "" } = answered.headers;
    return { reply: { value: { code: answered.status, type, etag, body: answered.body } }, isStale: false };
  } catch (error) {
    // Also of a bundle without a certificate, or a path with a character that no path has.
    const { code = "" } = error as NodeJS.ErrnoException;
    const isStale = outgoing?.reusedSocket === true && ["ECONNRESET", "EPIPE"].includes(code);
    return { reply: { error: goWords(error as NodeJS.ErrnoException, peer) }, isStale };
  }
}
