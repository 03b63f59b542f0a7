/**
 * Frames of a log file. What is synced together is one frame, so only the last frame can be torn by a crash:
 *
 *     u32 length of the payload | u32 check of the length | u32 chain | payload | zeros | u32 0xa5a5a5a5
 *
 * padded to a multiple of 8. `chain` is the CRC-32C of the payload going on from the chain of the frame before, and the
 * check of the length goes on from there too: a frame lost, repeated or moved is noticed like a changed byte.
 *
 * A frame that can't be read is torn when the file ends inside of it, or when a part of it that lies in one disk sector
 * is all zeros: a sector that was never written. Anything else is damage to what was once durable. The last word is not
 * zero, so that no single flipped bit makes damage look torn. (The rule of sectors is etcd's, `wal/decoder.go`.)
 */
import type { ByteWriter } from "../bytes.ts";
import { ByteReader } from "../bytes.ts";
import { crc32c } from "./crc32c.ts";

export const FRAME_HEADER_BYTES = 12;
const TRAILER = 0xa5a5a5a5;
const TRAILER_BYTES = 4;
const ALIGNMENT = 8;
const SECTOR_BYTES = 512;

/** Leaves room for the header of a frame; the payload is written next. */
export function beginFrame(writer: ByteWriter): number {
  const start = writer.length;
  for (let word = 0; word < FRAME_HEADER_BYTES / 4; word++) writer.u32(0);
  return start;
}

/** Ends the frame begun at `start` and returns its chain. Frames start at multiples of 8 in the file. */
export function endFrame(writer: ByteWriter, start: number, previousChain: number): number {
  const length = writer.length - start - FRAME_HEADER_BYTES;
  const padding = frameBytes(length) - FRAME_HEADER_BYTES - length - TRAILER_BYTES;
  for (let left = padding; left > 0; left--) writer.u8(0);
  writer.u32(TRAILER);
  const frame = writer.view(start);
  writer.patchU32(start, length);
  const chain = crc32c(frame, previousChain, FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + length);
  writer.patchU32(start + 4, crc32c(frame, previousChain, 0, 4));
  writer.patchU32(start + 8, chain);
  return chain;
}

function frameBytes(payloadBytes: number): number {
  return Math.ceil((FRAME_HEADER_BYTES + payloadBytes + TRAILER_BYTES) / ALIGNMENT) * ALIGNMENT;
}

export type FrameRead =
  | { readonly type: "frame"; readonly payload: ByteReader; readonly end: number; readonly chain: number }
  /** Nothing but zeros, or nothing, from here on. */
  | { readonly type: "end" }
  | { readonly type: "torn" }
  | { readonly type: "damaged"; readonly what: string };

export function readFrame(bytes: Uint8Array, start: number, previousChain: number): FrameRead {
  if (isZero(bytes, start, bytes.length)) return { type: "end" };
  if (bytes.length - start < FRAME_HEADER_BYTES) return { type: "torn" };
  const reader = new ByteReader(bytes, start);
  const [length, check, chain] = [reader.u32(), reader.u32(), reader.u32()];
  if (crc32c(bytes, previousChain, start, start + 4) !== check) {
    return spoilt(bytes, start, bytes.length, "length of a frame");
  }
  const end = start + frameBytes(length);
  if (end > bytes.length) return { type: "torn" };
  const payloadStart = start + FRAME_HEADER_BYTES;
  const payloadEnd = payloadStart + length;
  const trailer = new ByteReader(bytes, end - TRAILER_BYTES).u32();
  if (
    crc32c(bytes, previousChain, payloadStart, payloadEnd) !== chain ||
    trailer !== TRAILER ||
    !isZero(bytes, payloadEnd, end - TRAILER_BYTES)
  ) {
    // What follows a torn frame was never written.
    return isZero(bytes, end, bytes.length)
      ? spoilt(bytes, start, end, "content of a frame")
      : { type: "damaged", what: "content of a frame" };
  }
  return { type: "frame", payload: new ByteReader(bytes, payloadStart, payloadEnd), end, chain };
}

function spoilt(bytes: Uint8Array, start: number, end: number, what: string): FrameRead {
  for (let from = start; from < end;) {
    const to = Math.min(end, from - (from % SECTOR_BYTES) + SECTOR_BYTES);
    if (isZero(bytes, from, to)) return { type: "torn" };
    from = to;
  }
  return { type: "damaged", what };
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== 0) return false;
  return true;
}
