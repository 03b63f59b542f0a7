/** What a record is about: objects and actors by the names that events give them. */
import type { TraceRecord } from "../record.ts";

/** Each once, in the order in which they come up. */
export function subjectsOf({ events, changes }: TraceRecord): readonly string[] {
  const subjects = new Set<string>();
  for (const { subject } of changes) subjects.add(subject);
  for (const { subject, kind } of events) if (OF_OBJECTS.test(kind)) subjects.add(subject);
  return [...subjects];
}

/** Kinds of events whose subject may be an object; others name methods, actors, keys of queues or what was logged. */
const OF_OBJECTS =
  /^(write|scheduled|unschedulable|garbage-collected|node-lost|node\.registered|leader-elected|object\.flipped|probe\.failed|(pod|container|request)[.-].*)$/;

/** `pods/default/web-1`, `nodes/worker-0`: a resource, and at least a name. */
export function isObject(subject: string): boolean {
  return /^[a-z][\w.-]*\/[^/]+(\/[^/]+)?$/.test(subject) && !subject.startsWith("events/");
}
