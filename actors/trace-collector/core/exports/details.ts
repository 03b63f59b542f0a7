/** What stands in the details of an event, for those who show it. */
import type { TraceEvent } from "../../../../protocols/trace-collector.ts";
import { fieldOf, isFromOutside } from "../event-fields.ts";

/** Fields by name; a value reaches up to the next `name=`, so it may hold blanks. */
export function fieldsOf(detail: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const part of detail.split(/ (?=[\w.-]+=)/)) {
    const at = part.indexOf("=");
    if (at > 0) fields.set(part.slice(0, at), part.slice(at + 1));
  }
  return fields;
}

/** Names of all that an event came of, the first cause first; a `traceparent` is none. */
export function causesOf(event: TraceEvent): readonly string[] {
  return [event.cause, ...fieldOf(event, "also").split(",")].filter((name) => name.includes("#"));
}

/** The spans outside of the cluster to which it is linked, each as a `traceparent`. */
export function tracesOutside(event: TraceEvent): readonly string[] {
  return fieldOf(event, "also").split(",").filter(isFromOutside);
}

/** The node whose actor it is, of masters by their number; `cluster` for what belongs to none. */
export function machineOf(actor: string): string {
  const slash = actor.indexOf("/");
  if (slash > 0) return actor.slice(0, slash);
  const number = /^(?:etcd|api-server|scheduler|controller-manager)-(\d+)$/.exec(actor)?.[1];
  return number === undefined ? "cluster" : `master-${number}`;
}
