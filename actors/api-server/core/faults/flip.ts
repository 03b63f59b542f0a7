/** A value as it is after one flip of a bit, or what comes nearest to that (Mutiny's faults of stored objects). */

/** Of an integer one of its lowest bits is flipped: replicas, ports, generations are small. */
const BITS = 4;

/**
 * Another value of the same type: a number with one bit flipped, a text with one character changed, the other truth, a list or
 * map without one member. Undefined where there is nothing to change. `draw`: from 0 to 1, below 1.
 */
export function flipped(value: unknown, draw: number): unknown {
  if (typeof value === "boolean") return !value;
  if (typeof value === "number") return flippedNumber(value, draw);
  if (typeof value === "string") return flippedText(value, draw);
  if (Array.isArray(value)) {
    const gone = Math.floor(draw * value.length);
    return value.length === 0 ? undefined : value.filter((_, index) => index !== gone);
  }
  if (typeof value !== "object" || value === null) return undefined;
  const entries = Object.entries(value);
  const gone = Math.floor(draw * entries.length);
  return entries.length === 0 ? undefined : Object.fromEntries(entries.filter((_, index) => index !== gone));
}

function flippedNumber(value: number, draw: number): number {
  if (!Number.isInteger(value)) return -value;
  const bit = 2 ** Math.floor(draw * BITS);
  return Math.floor(value / bit) % 2 === 0 ? value + bit : value - bit;
}

function flippedText(text: string, draw: number): string {
  const at = Math.floor(draw * text.length);
  return `${text.slice(0, at)}${nextTo(text.charAt(at))}${text.slice(at + 1)}`;
}

/** A letter for a letter, a digit for a digit. */
function nextTo(character: string): string {
  if (/^[a-yA-Y0-8]$/.test(character)) return String.fromCharCode(character.charCodeAt(0) + 1);
  return character === "9" ? "0" : character === "Z" ? "A" : character === "z" ? "a" : "x";
}
