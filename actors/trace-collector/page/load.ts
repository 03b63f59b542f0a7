/** Where the page's records come from: what stands in it, another such page, or lines of JSON. */
import { unpacked } from "../core/exports/columns.ts";
import { contentsOfNdjson } from "../core/ndjson.ts";
import { TraceRecord } from "../core/record.ts";

/** Throws when it is of another version, or damaged. */
export async function ownRecord(): Promise<TraceRecord> {
  return inflated(document.getElementById("record")?.textContent ?? "");
}

/** Of a file that was chosen or dropped. Throws when it is none. */
export async function recordOfFile(file: File): Promise<TraceRecord> {
  const text = await file.text();
  const page = /<script type="text\/plain" id="record">([A-Za-z0-9+/=\s]*)<\/script>/.exec(text);
  return page === null ? new TraceRecord(contentsOfNdjson(text, file.name)) : inflated(page[1]!);
}

async function inflated(base64: string): Promise<TraceRecord> {
  const binary = atob(base64.trim());
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new TraceRecord(unpacked(new Uint8Array(await new Response(stream).arrayBuffer())));
}
