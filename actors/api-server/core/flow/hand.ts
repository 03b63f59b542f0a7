/**
 * Shuffle sharding: the few queues of a level that a flow may wait in. Two flows rarely share all of theirs, so that whoever fills
 * all of its own leaves others a free one. Source: KEP-1040, "Fair Queuing for Server Requests".
 */
import { sha256 } from "../machinery/sha256.ts";

const encoder = new TextEncoder();
/** Of a hash; what a valid level needs (`validateQueuing`) is in it. */
const HASH_BYTES = 8;

/** Numbers of `size` queues out of `queues`, all different: the same flow is dealt the same. */
export function handOf(flow: string, queues: number, size: number): readonly number[] {
  let left = 0n;
  for (const byte of sha256(encoder.encode(flow)).subarray(0, HASH_BYTES)) left = (left << 8n) | BigInt(byte);
  const hand: number[] = [];
  for (let dealt = 0; dealt < Math.min(size, queues); dealt++) {
    const remaining = BigInt(queues - dealt);
    // The so-manieth of those that are not dealt yet.
    let card = Number(left % remaining);
    left /= remaining;
    const taken = [...hand].sort((a, b) => a - b);
    for (const other of taken) if (card >= other) card++;
    hand.push(card);
  }
  return hand;
}
