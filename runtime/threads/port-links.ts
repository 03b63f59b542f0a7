/** The ports of one cell: frames in and out, and the closing of a port as the first sign of a peer's death. */
import type { MessagePort } from "node:worker_threads";
import type { Cell } from "../cell.ts";
import type { Envelope } from "../frame.ts";
import { FrameCodec } from "../frame.ts";
import type { Recorder } from "../trace/recorder.ts";

/** Above it a frame's buffer changes hands instead of being copied. */
const TRANSFER_BYTES_MIN = 64 * 1024;

export class PortLinks {
  private readonly ports = new Map<string, { readonly port: MessagePort; readonly codec: FrameCodec }>();
  private readonly recorder: Recorder;
  private readonly unref: boolean;

  constructor(recorder: Recorder, options: { readonly unref: boolean }) {
    this.recorder = recorder;
    this.unref = options.unref;
  }

  connect(cell: Cell, peer: string, port: MessagePort): void {
    this.ports.get(peer)?.port.close();
    const link = { port, codec: new FrameCodec() };
    this.ports.set(peer, link);
    cell.linkUp(peer);
    port.on("message", (bytes: Uint8Array) => {
      if (this.ports.get(peer) === link) cell.receive(peer, link.codec.decode(bytes));
    });
    port.on("close", () => {
      if (this.ports.get(peer) !== link) return;
      this.ports.delete(peer);
      this.recorder.record("down", peer, peer, "", "");
      cell.linkDown(peer, "exit");
    });
    if (this.unref) port.unref();
  }

  transmit(peer: string, envelopes: Envelope[]): void {
    const link = this.ports.get(peer);
    if (link === undefined) return;
    const bytes = link.codec.encode(this.recorder.lamport, envelopes);
    if (bytes.length >= TRANSFER_BYTES_MIN) link.port.postMessage(bytes, [bytes.buffer]);
    else link.port.postMessage(bytes);
  }

  close(): void {
    for (const { port } of this.ports.values()) port.close();
    this.ports.clear();
  }
}

/**
 * Runs `action` when the turn is over: after the microtasks that the turn has queued, however long their chain, and
 * before anything else is read.
 */
export function atEndOfTurn(action: () => void): void {
  queueMicrotask(() => process.nextTick(action));
}
