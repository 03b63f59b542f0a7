/**
 * Packing over and over into one small buffer. msgpackr has one buffer for all packers of a thread: it goes on behind what
 * it has packed last, takes a new buffer of the same size at its end, and one that is four times as large as a value needs
 * when one does not fit. After a single list of 4 MB a thread would hold, and make again and again, buffers of 16 MB.
 */
import type { Packr } from "msgpackr/pack";
import { RESET_BUFFER_MODE } from "msgpackr/pack";

const SCRATCH_BYTES = 16 * 1_024;
/** A buffer that has grown beyond it for one large value is not kept. */
export const SCRATCH_BYTES_MAX: number = 128 * 1_024;

/** What `take` makes of the packed value; its bytes are written over by the next. Throws what `packr` throws. */
export function packed<T>(packr: Packr, value: unknown, take: (bytes: Uint8Array) => T): T {
  const bytes = packr.pack(value, RESET_BUFFER_MODE);
  const taken = take(bytes);
  if (bytes.buffer.byteLength > SCRATCH_BYTES_MAX) packr.useBuffer(Buffer.allocUnsafeSlow(SCRATCH_BYTES));
  return taken;
}
