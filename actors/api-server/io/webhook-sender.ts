/** HTTPS to webhooks: connections are kept and used again, answers are bounded in size and time. */
import type { ClientRequest, IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { isIP } from "node:net";
import type { Read, WebhookReply } from "../core/webhooks/reply.ts";
import type { OpenWebhooks, WebhookCall } from "../webhooks.ts";
import { readText } from "./answer-text.ts";
import { refuseUpgrade } from "./upgrades.ts";

/** Connections to one webhook at once: enough for the writes that one thread can have under way. */
const SOCKETS_MAX = 64;
/** Of those, how many are kept. */
const FREE_SOCKETS_MAX = 4;
/** An idle connection is closed before most servers close it. */
const IDLE_MS = 4_000;

export const webhookSender: OpenWebhooks = () => {
  const agent = new Agent({
    keepAlive: true,
    maxSockets: SOCKETS_MAX,
    maxFreeSockets: FREE_SOCKETS_MAX,
    timeout: IDLE_MS,
  });
  return {
    post: async (call) => {
      const first = await attempt(agent, call);
      // The server has closed an idle connection while the request was on its way: it has seen nothing of it. Others that are
      // kept may be closed as well, so this goes over one of its own.
      return (first.isStale ? await attempt(false, call) : first).reply;
    },
    close: () => agent.destroy(),
  };
};

interface Attempt {
  readonly reply: Read<WebhookReply>;
  /** It went over a connection that was used before, and is no more. */
  readonly isStale: boolean;
}

function attempt(agent: Agent | false, call: WebhookCall): Promise<Attempt> {
  const { address, serverName, authority, path, ca, body, timeoutMs } = call;
  return new Promise((resolve) => {
    let outgoing: ClientRequest;
    try {
      outgoing = request({
        agent,
        host: address.host,
        port: address.port,
        path,
        method: "POST",
        // An address is no name for SNI (RFC 6066, section 3); the certificate is held against it all the same.
        ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
        ...(ca === undefined ? {} : { ca }),
        headers: {
          host: authority,
          "content-type": "application/json",
          accept: "application/json, */*",
          "user-agent": "kube-apiserver-admission",
          "content-length": Buffer.byteLength(body),
        },
      });
    } catch (error) {
      // A bundle without a certificate, or a path with a character that no path has.
      resolve({ reply: { error: goText(error as NodeJS.ErrnoException, call) }, isStale: false });
      return;
    }
    const settle = (reply: Read<WebhookReply>, isStale = false): void => {
      clearTimeout(timer);
      resolve({ reply, isStale });
    };
    const timer = setTimeout(() => {
      settle({ error: "net/http: request canceled (Client.Timeout exceeded while awaiting headers)" });
      outgoing.destroy();
    }, timeoutMs);
    outgoing.on("error", (error: NodeJS.ErrnoException) => {
      settle(
        { error: goText(error, call) },
        outgoing.reusedSocket && ["ECONNRESET", "EPIPE"].includes(error.code ?? ""),
      );
    });
    outgoing.on("response", (incoming) => read(incoming, call, settle));
    refuseUpgrade(outgoing, ({ message }) => settle({ error: message }));
    outgoing.end(body);
  });
}

function read(incoming: IncomingMessage, call: WebhookCall, settle: (result: Read<WebhookReply>) => void): void {
  const broken = (): void => settle({ error: "unexpected EOF" });
  readText(incoming, call.answerBytesMax, {
    whole: (body) => {
      const { statusCode = 0, headers } = incoming;
      settle({ value: { code: statusCode, type: headers["content-type"] ?? "", body } });
    },
    tooLong: () => {
      settle({ error: `the answer is longer than ${call.answerBytesMax} bytes` });
      incoming.destroy();
    },
    broken,
  });
  incoming.on("aborted", broken);
}

const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** What Go's client says of it, whose words Kubernetes passes on. */
function goText(error: NodeJS.ErrnoException, { address, serverName }: WebhookCall): string {
  const { code = "", message } = error;
  const place = `${address.host}:${address.port}`;
  const verify = "tls: failed to verify certificate: x509: ";
  if (UNKNOWN_AUTHORITY.has(code)) return `${verify}certificate signed by unknown authority`;
  switch (code) {
    case "ECONNREFUSED":
      return `dial tcp ${place}: connect: connection refused`;
    case "ENOTFOUND":
      return `dial tcp: lookup ${address.host}: no such host`;
    case "ETIMEDOUT":
      return `dial tcp ${place}: i/o timeout`;
    case "EHOSTUNREACH":
      return `dial tcp ${place}: connect: no route to host`;
    case "ENETUNREACH":
      return `dial tcp ${place}: connect: network is unreachable`;
    case "ECONNRESET":
      return "EOF";
    case "EPROTO":
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      return "tls: first record does not look like a TLS handshake";
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
      return `${verify}certificate has expired or is not yet valid`;
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return verify + otherNames(error as NodeJS.ErrnoException & Altnames, serverName);
    default:
      if (/PEM/i.test(message)) return "unable to load root certificates: unable to parse bytes as PEM block";
      return message;
  }
}

interface Altnames {
  readonly cert?: { readonly subjectaltname?: string };
}

function otherNames({ cert }: Altnames, serverName: string): string {
  const names = (cert?.subjectaltname ?? "").split(", ");
  const of = (kind: string): string[] =>
    names.flatMap((name) => (name.startsWith(kind) ? [name.slice(kind.length)] : []));
  const [addresses, dns] = [of("IP Address:"), of("DNS:")];
  if (isIP(serverName) !== 0) {
    if (addresses.length > 0) return `certificate is valid for ${addresses.join(", ")}, not ${serverName}`;
    return `cannot validate certificate for ${serverName} because it doesn't contain any IP SANs`;
  }
  if (dns.length > 0) return `certificate is valid for ${dns.join(", ")}, not ${serverName}`;
  return `certificate is not valid for any names, but wanted to match ${serverName}`;
}
