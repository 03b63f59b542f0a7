/** An archive of directories, links and short files, for tar(1). @see the ustar format of POSIX pax(1) */
import type { Made } from "./mount-plan.ts";

const BLOCK_BYTES = 512;
/** What a header's own fields hold; longer ones go to a record before it. */
const NAME_BYTES_MAX = 100;
const DIRECTORY_MODE = 0o755;
const FILE_MODE = 0o666;
const encoder = new TextEncoder();

export function tarOf(items: readonly Made[]): Uint8Array {
  const parts = items.flatMap((item) => {
    switch (item.kind) {
      case "directory":
        return entry("5", `${item.path}/`, "", item.mode ?? DIRECTORY_MODE);
      case "file":
        return [...entry("0", item.path, "", FILE_MODE, item.text), ...blocks(item.text)];
      case "link":
        return entry("2", item.path, item.target, FILE_MODE);
    }
  });
  parts.push(new Uint8Array(2 * BLOCK_BYTES));
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function entry(type: string, path: string, target: string, mode: number, text = ""): readonly Uint8Array[] {
  const records = [...record("path", path), ...record("linkpath", target)];
  const before = records.length === 0 ? [] : extended(records.join(""));
  return [...before, header(type, encoder.encode(path), encoder.encode(target), mode, encoder.encode(text).length)];
}

function record(key: string, value: string): readonly string[] {
  const { length } = encoder.encode(value);
  if (length <= NAME_BYTES_MAX) return [];
  // The length counts its own digits.
  const rest = ` ${key}=${value}\n`;
  const restLength = encoder.encode(rest).length;
  let digits = 1;
  while (String(restLength + digits).length > digits) digits++;
  return [`${restLength + digits}${rest}`];
}

function extended(records: string): readonly Uint8Array[] {
  const { length } = encoder.encode(records);
  return [header("x", encoder.encode("records"), new Uint8Array(0), FILE_MODE, length), ...blocks(records)];
}

function blocks(text = ""): readonly Uint8Array[] {
  const content = encoder.encode(text);
  const padded = new Uint8Array(Math.ceil(content.length / BLOCK_BYTES) * BLOCK_BYTES);
  padded.set(content);
  return [padded];
}

function header(type: string, name: Uint8Array, target: Uint8Array, mode: number, sizeBytes: number): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  const put = (at: number, text: string): void => block.set(encoder.encode(text), at);
  const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, "0");
  block.set(name.subarray(0, NAME_BYTES_MAX), 0);
  put(100, octal(mode, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, octal(sizeBytes, 11));
  put(136, octal(0, 11));
  put(148, " ".repeat(8));
  put(156, type);
  block.set(target.subarray(0, NAME_BYTES_MAX), 157);
  put(257, "ustar");
  put(263, "00");
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, `${octal(sum, 6)}\0 `);
  return block;
}
