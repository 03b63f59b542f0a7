/**
 * The log format that the kubelet expects of a runtime: one line each `<RFC 3339 with nanoseconds> <stdout|stderr> <F|P> <text>`,
 * where `P` marks a piece of a line that goes on.
 * @see the CRI's logging design (kubelet-cri-logging).
 */
export type LogStream = "stdout" | "stderr";

/** Longer lines are cut into pieces of this size, as containerd and CRI-O do. */
export const LINE_BYTES_MAX = 16_384;

const NEWLINE = 0x0a;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** `epochMs` with the nine decimals that readers of these logs expect. */
function formatNanoTime(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 23) + "000000Z";
}

/** Cuts one stream's bytes into log lines. Keeps what is not yet a whole line. */
export class LineCutter {
  private pending: Uint8Array = new Uint8Array(0);
  private readonly stream: LogStream;

  constructor(stream: LogStream) {
    this.stream = stream;
  }

  /** The lines that `bytes` completes, formatted. */
  push(bytes: Uint8Array, nowMs: number): readonly Uint8Array[] {
    const all = this.pending.length === 0 ? bytes : concat([this.pending, bytes]);
    const lines: Uint8Array[] = [];
    let start = 0;
    while (start < all.length) {
      const newline = all.indexOf(NEWLINE, start);
      const end = newline < 0 ? all.length : newline;
      if (end - start > LINE_BYTES_MAX) {
        lines.push(this.format(all.subarray(start, start + LINE_BYTES_MAX), "P", nowMs));
        start += LINE_BYTES_MAX;
        continue;
      }
      if (newline < 0) break;
      lines.push(this.format(all.subarray(start, end), "F", nowMs));
      start = end + 1;
    }
    this.pending = all.slice(start);
    return lines;
  }

  /** What is left when the stream has ended: a last line without its newline, which readers get without one. */
  end(nowMs: number): readonly Uint8Array[] {
    if (this.pending.length === 0) return [];
    const line = this.format(this.pending, "P", nowMs);
    this.pending = new Uint8Array(0);
    return [line];
  }

  private format(text: Uint8Array, tag: "F" | "P", nowMs: number): Uint8Array {
    return concat([encoder.encode(`${formatNanoTime(nowMs)} ${this.stream} ${tag} `), text, Uint8Array.of(NEWLINE)]);
  }
}

export interface LogLine {
  readonly timeMs: number;
  readonly stream: LogStream;
  /** Whether the line ends here. */
  readonly full: boolean;
  /** As stored: time, stream and tag, then the text. */
  readonly prefix: string;
  readonly text: Uint8Array;
}

/** The lines of a log file. A line that a crash cut short is left out. */
export function parseLog(bytes: Uint8Array): readonly LogLine[] {
  const lines: LogLine[] = [];
  let start = 0;
  while (start < bytes.length) {
    const newline = bytes.indexOf(NEWLINE, start);
    if (newline < 0) break;
    const line = parseLine(bytes.subarray(start, newline));
    if (line !== undefined) lines.push(line);
    start = newline + 1;
  }
  return lines;
}

function parseLine(bytes: Uint8Array): LogLine | undefined {
  const first = bytes.indexOf(0x20);
  const second = first < 0 ? -1 : bytes.indexOf(0x20, first + 1);
  const third = second < 0 ? -1 : bytes.indexOf(0x20, second + 1);
  if (third < 0) return undefined;
  const prefix = decoder.decode(bytes.subarray(0, first));
  const stream = decoder.decode(bytes.subarray(first + 1, second));
  const tag = decoder.decode(bytes.subarray(second + 1, third));
  if (stream !== "stdout" && stream !== "stderr") return undefined;
  return { timeMs: Date.parse(prefix), stream, full: tag === "F", prefix, text: bytes.subarray(third + 1) };
}

export interface LogSelection {
  readonly tailLines?: number;
  readonly sinceMs?: number;
  readonly timestamps?: boolean;
  readonly limitBytes?: number;
}

/** What a reader gets to see of `lines`: pieces of a line joined again, newlines back, times only when asked for. */
export function renderLog(lines: readonly LogLine[], selection: LogSelection): Uint8Array {
  let chosen = lines;
  if (selection.sinceMs !== undefined) {
    const since = selection.sinceMs;
    chosen = chosen.filter((line) => line.timeMs >= since);
  }
  if (selection.tailLines !== undefined) chosen = tail(chosen, selection.tailLines);
  const parts: Uint8Array[] = [];
  let atStart = true;
  for (const line of chosen) {
    if (selection.timestamps === true && atStart) parts.push(encoder.encode(line.prefix + " "));
    parts.push(line.text);
    if (line.full) parts.push(Uint8Array.of(NEWLINE));
    atStart = line.full;
  }
  const all = concat(parts);
  return selection.limitBytes === undefined ? all : all.subarray(0, selection.limitBytes);
}

function tail(lines: readonly LogLine[], count: number): readonly LogLine[] {
  if (count <= 0) return [];
  let full = 0;
  for (let index = lines.length - 1; index >= 0; index--) {
    const line = lines[index];
    if (line !== undefined && (line.full || index === lines.length - 1)) full++;
    if (full > count) return lines.slice(index + 1);
  }
  return lines;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
