/** A record as a page: what `core/exports` makes of it, with the script and the style that the build has made. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { packed } from "../core/exports/columns.ts";
import { htmlOf } from "../core/exports/html.ts";
import type { TraceRecord } from "../core/record.ts";

export function pageOf(record: TraceRecord, title: string): Iterable<string> {
  const deflated = deflateRawSync(packed(record), { level: 9 });
  return htmlOf({
    record: deflated.toString("base64"),
    title,
    script: built("trace-page.js"),
    style: built("trace-page-style.css"),
  });
}

function built(name: string): { readonly text: string; readonly sha256: string } {
  const dist = join(createRequire(import.meta.url).resolve("inkube/package.json"), "../dist");
  // An element's content ends at its end tag, wherever that stands.
  const text = readFileSync(join(dist, name), "utf8").replaceAll(/<\/(?=script|style)/gi, "<\\/");
  return { text, sha256: createHash("sha256").update(text).digest("base64") };
}
