/** Standard base64 with padding (RFC 4648, section 4). */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

export function encodeBase64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b, c] = [bytes[i], bytes[i + 1], bytes[i + 2]];
    text += ALPHABET[a >> 2];
    text += ALPHABET[((a & 3) << 4) | ((b ?? 0) >> 4)];
    text += b === undefined ? "=" : ALPHABET[((b & 15) << 2) | ((c ?? 0) >> 6)];
    text += c === undefined ? "=" : ALPHABET[c & 63];
  }
  return text;
}

/** How many bytes a well-formed base64 text stands for. */
export function base64Length(text: string): number {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return (text.length / 4) * 3 - padding;
}

/** By the code of the character. */
const DIGITS: readonly number[] = Array.from({ length: 128 }, (_, code) =>
  Math.max(0, ALPHABET.indexOf(String.fromCharCode(code))),
);

/** The bytes of a well-formed base64 text. */
export function decodeBase64(text: string): Uint8Array {
  const bytes = new Uint8Array(base64Length(text));
  let bits = 0;
  let at = 0;
  for (let i = 0; i < text.length && at < bytes.length; i++) {
    bits = (bits << 6) | (DIGITS[text.charCodeAt(i)] ?? 0);
    // After the second, third and fourth of four characters another byte is complete.
    if (i % 4 > 0) bytes[at++] = bits >> (6 - (i % 4) * 2);
  }
  return bytes;
}
