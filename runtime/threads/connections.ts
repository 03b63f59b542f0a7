/**
 * The connections that a thread's servers have accepted. While a thread ends, Node.js (20 to 26) goes on reading from them when
 * no JavaScript may run any more; where HTTP/2 then brings a request with a body, it aborts the whole process. So they are
 * dropped before: by the thread itself when it can, or by the inspector, which gets into one that hangs (`hang-stack.ts`).
 */
import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";

/** Where the inspector finds how to drop them. */
export const DROP_CONNECTIONS = "inkubeDropConnections";

/** @param counter one 32-bit counter, which has their number at any time @returns drops them all */
export function trackConnections(counter: SharedArrayBuffer): () => void {
  const open = new Set<Socket>();
  const count = new Int32Array(counter);
  subscribe("net.server.socket", (message) => {
    const { socket } = message as { readonly socket: Socket };
    open.add(socket);
    Atomics.store(count, 0, open.size);
    socket.once("close", () => {
      open.delete(socket);
      Atomics.store(count, 0, open.size);
    });
  });
  const drop = (): void => {
    for (const socket of open) socket.destroy();
  };
  Object.defineProperty(globalThis, DROP_CONNECTIONS, { value: drop });
  return drop;
}

export function areOpen(counter: SharedArrayBuffer): boolean {
  return Atomics.load(new Int32Array(counter), 0) > 0;
}
