/**
 * Text that stands for any bytes, so that keys can be text: bytes are read as UTF-8, and each that is none of it becomes one of
 * U+DC80 to U+DCFF, which no UTF-8 gives. Back and forth nothing is lost. Source: Python's PEP 383 ("surrogateescape").
 */

const ESCAPE = 0xdc00;
const REPLACED = "\ufffd";
const ESCAPED = /[\udc80-\udcff]/;
const encoder = new TextEncoder();

export function textOfBytes(bytes: Uint8Array): string {
  const { buffer, byteOffset, byteLength } = bytes;
  const view = Buffer.from(buffer, byteOffset, byteLength);
  const text = view.toString("utf8");
  // The sign itself is as good as any, and tells of nothing then.
  if (!text.includes(REPLACED) || view.equals(encoder.encode(text))) return text;
  return escaped(bytes);
}

export function bytesOfText(text: string): Uint8Array {
  if (!ESCAPED.test(text)) return encoder.encode(text);
  const parts: Uint8Array[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    const isPair = at > 0 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800;
    if (unit < ESCAPE + 0x80 || unit > ESCAPE + 0xff || isPair) continue;
    parts.push(encoder.encode(text.slice(start, at)), Uint8Array.of(unit - ESCAPE));
    start = at + 1;
  }
  parts.push(encoder.encode(text.slice(start)));
  return Buffer.concat(parts);
}

function escaped(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const length = sequenceAt(bytes, at);
    if (length === 0) text += String.fromCharCode(ESCAPE + (bytes[at] as number));
    else text += Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString("utf8");
    at += Math.max(1, length);
  }
  return text;
}

/** Bytes of the character that begins at `at`; 0 where none does. Source: the Unicode Standard, table 3-7. */
function sequenceAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  const length =
    first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
  for (let index = 1; index < length; index++) {
    const byte = bytes[at + index] ?? 0;
    const low = index > 1 ? 0x80 : first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    const high = index > 1 ? 0xbf : first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    if (byte < low || byte > high) return 0;
  }
  return length;
}
