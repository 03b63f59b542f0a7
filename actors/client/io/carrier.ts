/** Bytes both ways on a connection that has been upgraded, no faster than they are taken on either side. */
import type { Duplex } from "node:stream";
import { ProtocolFault } from "../core/streaming/bytes.ts";

/** A promise holds back what comes next. */
export type Taker = (bytes: Uint8Array) => void | Promise<void>;

export interface Carrier {
  /** The promise: until there is room for more. What is written to one that is gone goes nowhere. */
  write(bytes: Uint8Array): void | Promise<void>;
  /** Once. What it throws as a `ProtocolFault` is told to `refuse`. */
  onBytes(take: Taker, refuse: (fault: ProtocolFault) => void): void;
  onClose(listener: () => void): void;
  /** Sends what has been written, and closes. */
  end(): void;
  destroy(): void;
}

/** How long the other side may take to close as well. */
const LINGER_MS = 1_000;

/** @param early what has come with the request */
export function socketCarrier(socket: Duplex, early: Uint8Array): Carrier {
  let drained: Promise<void> | undefined;
  let isGone = false;
  socket.on("error", () => undefined);
  socket.once("close", () => (isGone = true));
  const untilDrained = (): Promise<void> =>
    new Promise((resolve) => {
      const over = (): void => {
        drained = undefined;
        socket.off("drain", over).off("close", over);
        resolve();
      };
      socket.on("drain", over).on("close", over);
    });
  return {
    write: (bytes) => {
      if (isGone || socket.writableEnded || socket.write(bytes)) return undefined;
      return (drained ??= untilDrained());
    },
    onBytes: (take, refuse) => {
      const taken = (bytes: Uint8Array): void => {
        const waiting = taking(take, bytes, refuse);
        if (waiting === undefined) return;
        socket.pause();
        void waiting.then(() => socket.resume());
      };
      // What came early is read before all else.
      if (early.length > 0) socket.unshift(early);
      socket.on("data", taken);
      socket.on("end", () => socket.end());
    },
    onClose: (listener) => void (isGone ? queueMicrotask(listener) : socket.once("close", listener)),
    end: () => {
      socket.end();
      const lingering = setTimeout(() => socket.destroy(), LINGER_MS);
      socket.once("close", () => clearTimeout(lingering));
      // What is not read keeps the end from coming.
      socket.resume();
    },
    destroy: () => void socket.destroy(),
  };
}

/** Hands bytes on, and tells of what is not in the protocol. */
export function taking(
  take: Taker,
  bytes: Uint8Array,
  refuse: (fault: ProtocolFault) => void,
): Promise<void> | undefined {
  const failed = (error: unknown): void => {
    if (!(error instanceof ProtocolFault)) throw error;
    refuse(error);
  };
  try {
    const waiting = take(bytes);
    return waiting instanceof Promise ? waiting.catch(failed) : undefined;
  } catch (error) {
    failed(error);
    return undefined;
  }
}
