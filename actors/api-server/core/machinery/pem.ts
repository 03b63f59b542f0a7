/** Blocks of PEM, as Go's `encoding/pem` finds them: whatever stands between is passed over. RFC 7468. */
import { decodeBase64 } from "./base64.ts";

export interface PemBlock {
  readonly type: string;
  readonly headers: boolean;
  readonly bytes: Uint8Array;
}

const BLOCK = /(?:^|\n)-----BEGIN ([^\n]*?)-----[ \t]*\r?\n([\s\S]*?)-----END \1-----[ \t]*(?=\r?\n|$)/g;
const HEADER = /^[^\n:]*:[^\n]*\n/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export function pemBlocks(text: string): readonly PemBlock[] {
  return [...text.matchAll(BLOCK)].flatMap(([, type = "", body = ""]) => {
    let rest = body;
    while (HEADER.test(rest)) rest = rest.replace(HEADER, "");
    const base64 = rest.replaceAll(/\s/g, "");
    if (!BASE64.test(base64)) return [];
    return [{ type, headers: rest !== body, bytes: decodeBase64(base64) }];
  });
}
