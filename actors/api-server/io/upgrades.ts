/** Servers that change the protocol of a connection though nobody has asked for it. */
import type { ClientRequest, IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

/**
 * Ends such a connection. Without a listener Node closes it and tells nobody, and the caller would wait for ever.
 * @param refused nothing else comes of the request
 */
export function refuseUpgrade(outgoing: ClientRequest, refused: (error: Error) => void): void {
  outgoing.on("upgrade", ({ headers }: IncomingMessage, socket: Duplex) => {
    socket.on("error", ignore).destroy();
    const protocol = JSON.stringify(headers.upgrade ?? "");
    refused(new Error(`backend tried to switch protocol ${protocol} when "" was requested`));
  });
}

function ignore(): void {}
