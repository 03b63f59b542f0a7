/** What certificates need of ASN.1's Distinguished Encoding Rules. Source: ITU-T X.690. */

export function sequence(...parts: readonly Buffer[]): Buffer {
  return element(0x30, Buffer.concat(parts));
}

/** A SET OF one: more would have to be sorted. */
export function setOf(part: Buffer): Buffer {
  return element(0x31, part);
}

/** `[tag]`: explicit around an element, or `primitive`, in place of one's own tag. */
export function context(tag: number, content: Buffer, form: "explicit" | "primitive" = "explicit"): Buffer {
  return element((form === "explicit" ? 0xa0 : 0x80) | tag, content);
}

/** `bytes`: big-endian two's complement, as short as it can be. */
export function integer(bytes: Buffer): Buffer {
  return element(0x02, bytes);
}

export function boolean(value: boolean): Buffer {
  return element(0x01, Buffer.of(value ? 0xff : 0));
}

/** `unused`: how many bits of the last byte are no part of it. */
export function bitString(bytes: Buffer, unused: number): Buffer {
  return element(0x03, Buffer.concat([Buffer.of(unused), bytes]));
}

export function octetString(bytes: Buffer): Buffer {
  return element(0x04, bytes);
}

export function utf8String(text: string): Buffer {
  return element(0x0c, Buffer.from(text, "utf8"));
}

/** `1.2.840.10045.4.3.2` */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return element(0x06, Buffer.from([first * 40 + second, ...rest].flatMap(base128)));
}

/** UTCTime to 2049, GeneralizedTime from then on (RFC 5280, section 4.1.2.5), to the second. */
export function time(moment: Date): Buffer {
  const digits = `${moment.toISOString().replace(/[-:T]|\.\d+Z$/g, "")}Z`;
  return moment.getUTCFullYear() < 2050
    ? element(0x17, Buffer.from(digits.slice(2), "ascii"))
    : element(0x18, Buffer.from(digits, "ascii"));
}

function base128(value: number): number[] {
  const groups = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) groups.unshift((rest & 0x7f) | 0x80);
  return groups;
}

function element(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const digits: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) digits.unshift(rest & 0xff);
  return Buffer.concat([Buffer.of(tag, 0x80 | digits.length, ...digits), content]);
}
