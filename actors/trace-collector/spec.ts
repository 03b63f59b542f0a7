/** What the trace collector is started with. */
export interface TraceCollectorOptions {
  /** The recorder of each actor, by name; shared memory, so that reading disturbs nobody. */
  readonly rings: Readonly<Record<string, SharedArrayBuffer>>;
  /** How often the recorders are read while somebody follows. A person does not see a shorter delay. */
  readonly periodMs: number;
  /** Most events in one batch: a frame of about half a megabyte. */
  readonly batchMax: number;
}

export const TRACE_COLLECTOR_DEFAULTS: Omit<TraceCollectorOptions, "rings"> = { periodMs: 100, batchMax: 2_000 };
