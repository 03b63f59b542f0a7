import type { FileLimits } from "./record-files.ts";

/** What the trace collector is started with. */
export interface TraceCollectorOptions {
  /** The recorder of each actor, by name; shared memory, so that reading disturbs nobody. */
  readonly rings: Readonly<Record<string, SharedArrayBuffer>>;
  /** Members of etcd: what is written to one of them is kept. None where the store is not the cluster's own. */
  readonly members: readonly string[];
  /**
   * How often what is new is copied to the disk. What is younger is lost at a SIGKILL; a recorder that is half full is not
   * waited for.
   */
  readonly keepPeriodMs: number;
  /** How often the recorders are read while somebody follows. A person does not see a shorter delay. */
  readonly followPeriodMs: number;
  /** Most events in one batch: a frame of about half a megabyte. */
  readonly batchMax: number;
  /** Most events that wait for a follower who takes nothing; what comes then is told as a gap. */
  readonly waitingMax: number;
  /** Of one file on the disk. The oldest file is what goes when there is no more room. */
  readonly segmentBytes: number;
  /** Of all files of messages: a million of them. */
  readonly messagesBytesMax: number;
  /** Of all files of other events: some 90,000, of which no flood of messages takes the room. */
  readonly eventsBytesMax: number;
  /** Of all files of what objects were: some 100,000 writes, and what stood before them. */
  readonly objectsBytesMax: number;
  /** Where the running trace is sent as well; absent: nowhere. */
  readonly otlp?: OtlpOptions;
}

/** A collector of OpenTelemetry. */
export interface OtlpOptions {
  /** Of its traces, as `http://127.0.0.1:4318/v1/traces`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What the cluster is called there. */
  readonly cluster: string;
}

export const TRACE_COLLECTOR_DEFAULTS: Omit<TraceCollectorOptions, "rings" | "members"> = {
  keepPeriodMs: 200,
  followPeriodMs: 100,
  batchMax: 2_000,
  waitingMax: 200_000,
  segmentBytes: 4 * 1_048_576,
  messagesBytesMax: 48 * 1_048_576,
  eventsBytesMax: 16 * 1_048_576,
  objectsBytesMax: 16 * 1_048_576,
};

export function limitsOf(
  options: Pick<TraceCollectorOptions, "segmentBytes" | "messagesBytesMax" | "eventsBytesMax" | "objectsBytesMax">,
): FileLimits {
  const { segmentBytes, messagesBytesMax: messages, eventsBytesMax: events, objectsBytesMax: objects } = options;
  return { segmentBytes, bytesMax: { messages, events, objects } };
}
