/** A record that outlived its cluster, or was never one's: opened for the same questions. */
import { readFile, readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { InkubeError, hasCode } from "../../protocols/errors.ts";
import { contentsOfNdjson } from "../trace-collector/core/ndjson.ts";
import { TraceRecord } from "../trace-collector/core/record.ts";
import type { Damage } from "../trace-collector/core/segments/format.ts";
import { SEGMENT_ENDING, partsOfName } from "../trace-collector/core/segments/format.ts";
import { SegmentShelf, recordOf } from "../trace-collector/core/segments/shelf.ts";
import { checksum } from "../trace-collector/io/checksum.ts";
import { unpack } from "../trace-collector/io/pack.ts";
import { RECORD_DIRECTORY } from "../trace-collector/record-files.ts";
import { ACTORS } from "./io/restore.ts";
import { STORY_ENDING, STORY_TRACE_ENDING } from "./chaos/story.ts";
import { TRACE_COLLECTOR } from "./topology.ts";
import type { Trace } from "./trace.ts";
import { traceOf } from "./trace.ts";

export interface OpenedRecord {
  readonly record: TraceRecord;
  /** What of it can't be read, in a person's words. */
  readonly warnings: readonly string[];
}

/**
 * Opens the record of a cluster by its data directory, also while the cluster runs and after it was killed, a copy of that, a file that
 * `inkube trace --json` has printed, or a story that `inkube chaos run` has found. What is damaged is left out, and told in `warnings`.
 * Errors: TRACE_NOT_FOUND, TRACE_NEWER, TRACE_DAMAGED; and of a story that is run again those of its replay.
 */
export async function openTrace(path: string): Promise<Trace> {
  const { record, warnings } = await openRecord(path);
  return traceOf(record, warnings);
}

/** As `openTrace`, for who works on the record itself. */
export async function openRecord(path: string): Promise<OpenedRecord> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new InkubeError("TRACE_NOT_FOUND", `there is nothing at ${path}`);
  if (found.isDirectory()) return openDirectory(path);
  if (path.endsWith(STORY_ENDING)) return openStory(path);
  if (!path.endsWith(SEGMENT_ENDING)) {
    return { record: new TraceRecord(contentsOfNdjson(await readFile(path, "utf8"), path)), warnings: [] };
  }
  const shelf = new SegmentShelf(checksum);
  shelf.put(basename(path), await readFile(path));
  return opened(shelf, []);
}

/** By what was recorded beside it, else by running it again. */
async function openStory(path: string): Promise<OpenedRecord> {
  const beside = `${path.slice(0, -STORY_ENDING.length)}${STORY_TRACE_ENDING}`;
  const recorded = await readFile(beside, "utf8").catch(() => undefined);
  if (recorded !== undefined) return { record: new TraceRecord(contentsOfNdjson(recorded, beside)), warnings: [] };
  const { traceOfStory } = await import("./chaos/explore.ts");
  const { trace, asRecorded } = await traceOfStory(path);
  const another = `${path} was run again and was another run: the controller, inkube or Node.js is another`;
  return { record: new TraceRecord(contentsOfNdjson(trace, path)), warnings: asRecorded ? [] : [another] };
}

async function openDirectory(path: string): Promise<OpenedRecord> {
  const shelf = new SegmentShelf(checksum);
  const damages: Damage[] = [];
  let isThere = false;
  for (const directory of [path, join(path, RECORD_DIRECTORY), join(path, ACTORS, TRACE_COLLECTOR, RECORD_DIRECTORY)]) {
    for (const name of await readdir(directory).catch(() => [])) {
      if (partsOfName(name) === undefined) continue;
      isThere = true;
      // The oldest goes while a cluster runs.
      const file = await readFile(join(directory, name)).catch(() => undefined);
      if (file === undefined) continue;
      try {
        shelf.put(name, file);
      } catch (error) {
        if (!hasCode(error, "TRACE_DAMAGED")) throw error;
        damages.push({ file: name, atByte: 0, bytes: file.length });
      }
    }
    if (isThere) return opened(shelf, damages);
  }
  throw new InkubeError("TRACE_NOT_FOUND", `there is no trace in ${path}: name the data directory of a cluster`);
}

function opened(shelf: SegmentShelf, damages: readonly Damage[]): OpenedRecord {
  const events = shelf.events();
  const warnings = [...damages, ...shelf.damages].map(
    ({ file, atByte, bytes }) => `${file}: ${bytes} bytes from byte ${atByte} on are damaged, and left out`,
  );
  return { record: recordOf(shelf, events, unpack), warnings };
}
