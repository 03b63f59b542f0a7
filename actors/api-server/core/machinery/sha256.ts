/** SHA-256 (FIPS 180-4). Of short texts, where nothing is secret: cryptography proper is the outside world's. */

const WORD = 2 ** 32;

/** The first bits of the fractions of roots of the first primes: 64 cube roots, and 8 square roots. */
const ROUND: readonly number[] = fractions(64, 1 / 3);
const INITIAL: readonly number[] = fractions(8, 1 / 2);

function fractions(count: number, power: number): readonly number[] {
  const found: number[] = [];
  for (let candidate = 2; found.length < count; candidate++) {
    let isPrime = true;
    for (let by = 2; by * by <= candidate; by++) if (candidate % by === 0) isPrime = false;
    if (isPrime) found.push(((candidate ** power % 1) * WORD) | 0);
  }
  return found;
}

export function sha256(bytes: Uint8Array): Uint8Array {
  const view = padded(bytes);
  const state = [...INITIAL];
  for (let at = 0; at < view.byteLength; at += 64) mix(state, view, at);
  const digest = new DataView(new ArrayBuffer(32));
  for (const [i, word] of state.entries()) digest.setInt32(i * 4, word);
  return new Uint8Array(digest.buffer);
}

/** With a bit behind it, and its length in bits at the end of the last block. */
function padded(bytes: Uint8Array): DataView {
  const block = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
  block.set(bytes);
  block[bytes.length] = 0x80;
  const view = new DataView(block.buffer);
  view.setBigUint64(block.length - 8, BigInt(bytes.length) * 8n);
  return view;
}

function turned(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

function mix(state: number[], view: DataView, at: number): void {
  const words: number[] = [];
  const word = (i: number): number => words[i] ?? 0;
  for (let i = 0; i < 64; i++) {
    if (i < 16) words.push(view.getInt32(at + i * 4));
    else {
      const [a, b] = [word(i - 15), word(i - 2)];
      const early = turned(a, 7) ^ turned(a, 18) ^ (a >>> 3);
      const late = turned(b, 17) ^ turned(b, 19) ^ (b >>> 10);
      words.push((word(i - 16) + early + word(i - 7) + late) | 0);
    }
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let i = 0; i < 64; i++) {
    const sum = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
    const first = (h + sum + ((e & f) ^ (~e & g)) + (ROUND[i] ?? 0) + word(i)) | 0;
    const other = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22);
    const second = (other + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [a, b, c, d, e, f, g, h] = [(first + second) | 0, a, b, c, (d + first) | 0, e, f, g];
  }
  for (const [i, value] of [a, b, c, d, e, f, g, h].entries()) state[i] = ((state[i] ?? 0) + value) | 0;
}
