export type { TraceEvent } from "../../protocols/trace-collector.ts";
export { compareEvents, formatEvent } from "../../protocols/trace-events.ts";
