/** Blocks of PEM, as Go's `encoding/pem` finds them: whatever stands between is passed over. RFC 7468. */
import { decodeBase64 } from "./base64.ts";

export interface PemBlock {
  readonly type: string;
  readonly headers: boolean;
  readonly bytes: Uint8Array;
}

const BEGIN = /^-----BEGIN (.*)-----[ \t]*\r?$/;
const END = /-----END ((?:(?!-----END ).)*)-----[ \t]*\r?$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** In time that grows with the text, whatever stands in it: users write it. */
export function pemBlocks(text: string): readonly PemBlock[] {
  const lines = text.split("\n");
  /** Where the first block of each type begins of which no end has come. */
  const begun = new Map<string, number>();
  const blocks: PemBlock[] = [];
  for (const [at, line] of lines.entries()) {
    const type = BEGIN.exec(line)?.[1];
    if (type !== undefined && !begun.has(type)) begun.set(type, at);
    const end = type === undefined && begun.size > 0 && line.includes("-----END ") ? END.exec(line) : null;
    if (end === null) continue;
    const from = begun.get(end[1] ?? "");
    if (from !== undefined) {
      const block = blockIn(end[1] ?? "", [...lines.slice(from + 1, at), line.slice(0, end.index)]);
      if (block !== undefined) blocks.push(block);
    }
    begun.clear();
  }
  return blocks;
}

function blockIn(type: string, body: readonly string[]): PemBlock | undefined {
  const isHeader = (line: string): boolean => line.includes(":");
  const first = body.findIndex((line, i) => i === body.length - 1 || !isHeader(line));
  const base64 = body.slice(first).join("").replaceAll(/\s/g, "");
  return BASE64.test(base64) ? { type, headers: first > 0, bytes: decodeBase64(base64) } : undefined;
}
