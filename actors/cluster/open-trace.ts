/** A record that outlived its cluster, or was never one's: opened for the same questions. */
import { readFile, stat } from "node:fs/promises";
import { InkubeError } from "../../protocols/errors.ts";
import { contentsOfNdjson } from "../trace-collector/core/ndjson.ts";
import { TraceRecord } from "../trace-collector/core/record.ts";
import type { Trace } from "./trace.ts";
import { traceOf } from "./trace.ts";

/**
 * Opens what `inkube trace --json` has printed, by the file's name.
 * Errors: TRACE_NOT_FOUND, TRACE_NEWER, TRACE_DAMAGED.
 */
export async function openTrace(path: string): Promise<Trace> {
  return traceOf(await readRecord(path));
}

/** As `openTrace`, for who works on the record itself. */
export async function readRecord(path: string): Promise<TraceRecord> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new InkubeError("TRACE_NOT_FOUND", `there is nothing at ${path}`);
  if (found.isDirectory()) throw new InkubeError("TRACE_NOT_FOUND", `there is no trace in ${path}`);
  return new TraceRecord(contentsOfNdjson(await readFile(path, "utf8"), path));
}
