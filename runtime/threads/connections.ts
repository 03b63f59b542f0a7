/**
 * The connections that a thread's servers have accepted. While a thread ends, Node.js (20 to 26) goes on reading from them when
 * no JavaScript may run any more; where HTTP/2 then brings a request with a body, it aborts the whole process. So they are
 * dropped before: by the thread itself when it can, or by the inspector, which gets into one that hangs (`hang-stack.ts`).
 * A session of HTTP/2 is dropped before its socket: what it has read already it would take up after its socket's last write.
 */
import { subscribe } from "node:diagnostics_channel";
import type { Server, Socket } from "node:net";

/** Where the inspector finds how to drop them. */
export const DROP_CONNECTIONS = "inkubeDropConnections";

interface Connection {
  destroy(): unknown;
  once(event: "close", then: () => void): unknown;
}

/** @param counter one 32-bit counter, which has their number at any time @returns drops them all */
export function trackConnections(counter: SharedArrayBuffer): () => void {
  const sockets = new Set<Connection>();
  const sessions = new Set<Connection>();
  const servers = new WeakSet<Server>();
  const count = new Int32Array(counter);
  const track = (open: Set<Connection>, connection: Connection): void => {
    open.add(connection);
    Atomics.add(count, 0, 1);
    connection.once("close", () => {
      if (open.delete(connection)) Atomics.sub(count, 0, 1);
    });
  };
  subscribe("net.server.socket", (message) => {
    const { socket } = message as { readonly socket: Socket & { readonly server?: Server } };
    track(sockets, socket);
    const { server } = socket;
    if (!server || servers.has(server)) return;
    servers.add(server);
    server.on("session", (session: Connection) => track(sessions, session));
  });
  const drop = (): void => {
    for (const session of sessions) session.destroy();
    for (const socket of sockets) socket.destroy();
  };
  Object.defineProperty(globalThis, DROP_CONNECTIONS, { value: drop });
  return drop;
}

export function areOpen(counter: SharedArrayBuffer): boolean {
  return Atomics.load(new Int32Array(counter), 0) > 0;
}
