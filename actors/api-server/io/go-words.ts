/** What is wrong with a connection, as Go's `net`, `crypto/tls` and `net/http` say it: Kubernetes passes it on, and clients look for it. */
import { getServers } from "node:dns";
import { isIP } from "node:net";

/** Whom a request was to reach. */
export interface Reached {
  readonly host: string;
  readonly port: number;
  /** Whom its certificate had to name; "" where there is no TLS. */
  readonly serverName: string;
}

const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);
const VERIFY = "tls: failed to verify certificate: x509: ";
const DNS_PORT = 53;

/** Errors that have no such words keep their own. */
export function goWords(error: NodeJS.ErrnoException, { host, port, serverName }: Reached): string {
  const { code = "", message, syscall } = error;
  const place = joined(host, port);
  if (UNKNOWN_AUTHORITY.has(code)) return `${VERIFY}certificate signed by unknown authority`;
  switch (code) {
    case "ECONNREFUSED":
      return `dial tcp ${place}: connect: connection refused`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `dial tcp: lookup ${host}${asked()}: no such host`;
    case "ETIMEDOUT":
      return `dial tcp ${place}: i/o timeout`;
    case "EHOSTUNREACH":
      return `dial tcp ${place}: connect: no route to host`;
    case "ENETUNREACH":
      return `dial tcp ${place}: connect: network is unreachable`;
    case "ECONNRESET":
      // Node gives a connection that has ended before its answer the code of one that was reset.
      return syscall === undefined ? "EOF" : `read tcp ${place}: read: connection reset by peer`;
    case "EPIPE":
      return `write tcp ${place}: write: broken pipe`;
    case "EPROTO":
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      return "tls: first record does not look like a TLS handshake";
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
      return `${VERIFY}certificate has expired or is not yet valid`;
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return VERIFY + otherNames(error, serverName);
    case "HPE_INVALID_CONSTANT":
      return `net/http: HTTP/1.x transport connection broken: malformed HTTP response ${firstLine(error)}`;
    default:
      if (/PEM/i.test(message)) return "unable to load root certificates: unable to parse bytes as PEM block";
      return message;
  }
}

function joined(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Who was asked for a name: the first one that the machine is told to ask. */
function asked(): string {
  const [server] = getServers();
  if (server === undefined) return "";
  return isIP(server) === 0 ? ` on ${server}` : ` on ${joined(server, DNS_PORT)}`;
}

function firstLine(error: object): string {
  const { rawPacket } = error as { readonly rawPacket?: Buffer };
  return JSON.stringify(rawPacket?.toString("latin1").split(/\r?\n/)[0] ?? "");
}

function otherNames(error: object, serverName: string): string {
  const { cert } = error as { readonly cert?: { readonly subjectaltname?: string } };
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
