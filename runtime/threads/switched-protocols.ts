/** After a `101 Switching Protocols` that is passed on, two ends speak with each other. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

/**
 * Tells the client of the server's answer, and joins the two connections: one ends with the other, and is read no faster than the
 * other takes it. `early` and `head` are what the client and the server have sent behind their heads already.
 */
export function joinSwitched(
  client: Duplex,
  early: Uint8Array,
  incoming: IncomingMessage,
  server: Duplex,
  head: Uint8Array,
): void {
  const lines = [`HTTP/1.1 101 ${incoming.statusMessage ?? "Switching Protocols"}`];
  for (let i = 0; i + 1 < incoming.rawHeaders.length; i += 2) {
    lines.push(`${incoming.rawHeaders[i]}: ${incoming.rawHeaders[i + 1]}`);
  }
  client.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  if (head.length > 0) client.write(head);
  if (early.length > 0) server.write(early);
  for (const [one, other] of [
    [client, server],
    [server, client],
  ] as const) {
    one.pipe(other);
    one.on("error", () => other.destroy());
    one.on("close", () => other.destroy());
  }
}
