/** What the cluster's objects were at a moment, from what each write made of them. */
import { InkubeError } from "../../../protocols/errors.ts";
import { RESOURCES } from "../../../protocols/kubernetes/resources.ts";
import { didYouMean } from "../../../protocols/nearest-name.ts";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import type { ObjectThen, StateOfObjects } from "../../../protocols/trace-collector.ts";
import { revisionOf } from "./event-fields.ts";
import type { ObjectChange, TraceRecord } from "./record.ts";

/**
 * A time in milliseconds since 1970, an event as `actor#sequence`, or a revision of the store. What was written by then, in the
 * order of causes, is the state then: a write that is under way is not.
 */
export type Moment = number | string | { readonly revision: number };

export interface StateFilter {
  /** As in `kubectl get`: `pods`, or `deployments`. */
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** By resource, namespace and name. Errors: NOT_RECORDED where the record does not go back so far, has no objects, or none of a kind nobody knows. */
export function stateAt(record: TraceRecord, moment: Moment, filter: StateFilter = {}): StateOfObjects {
  const revision = revisionAt(record, moment);
  const latest = new Map<string, ObjectChange>();
  for (const change of record.changes) {
    if (change.revision > revision) break;
    latest.set(change.subject, change);
  }
  const objects = [...latest.values()]
    .filter(({ subject }) => fits(filter, subject))
    // As they were written, they are read at the least cost.
    .sort((one, other) => one.revision - other.revision)
    .flatMap((change): readonly ObjectThen[] => {
      const json = jsonOf(change);
      return json === undefined ? [] : [{ subject: change.subject, revision: change.revision, json }];
    })
    .sort((one, other) => (one.subject < other.subject ? -1 : 1));
  if (objects.length === 0 && filter.resource !== undefined) checkResource(record, filter.resource);
  return { revision, timeMs: record.writeOf(revision)?.timeMs ?? null, objects };
}

const BUILT_IN: ReadonlySet<string> = new Set(RESOURCES.map(({ resource }) => resource));

/** Of a kind that nobody knows there never were any, whatever the moment. Errors: NOT_RECORDED. */
function checkResource(record: TraceRecord, resource: string): void {
  if (BUILT_IN.has(resource)) return;
  const recorded = new Set(record.changes.map(({ subject }) => subject.split("/")[0]!));
  if (recorded.has(resource)) return;
  const meant = didYouMean(resource, [...new Set([...recorded, ...BUILT_IN])]);
  throw new InkubeError("NOT_RECORDED", `nothing is recorded of a kind ${resource}${meant}`, { details: { resource } });
}

/** The newest revision at that moment. Errors: NOT_RECORDED. */
export function revisionAt(record: TraceRecord, moment: Moment): number {
  const first = record.changes[0]?.revision;
  const last = record.changes.at(-1)?.revision;
  if (first === undefined || last === undefined) {
    throw new InkubeError("NOT_RECORDED", "the record has events only: what the objects were is not in it");
  }
  const revision = typeof moment === "object" ? moment.revision : newestBefore(record, moment);
  if (revision === undefined || revision < first) {
    const message = `the record begins at revision ${first}, and not before ${said(moment)}`;
    throw new InkubeError("NOT_RECORDED", message, { details: { first, last } });
  }
  if (typeof moment === "object" && revision > last) {
    throw new InkubeError("NOT_RECORDED", `the record ends at revision ${last}, before ${said(moment)}`);
  }
  return revision;
}

function newestBefore(record: TraceRecord, moment: number | string): number | undefined {
  if (typeof moment === "string") {
    const event = record.named(moment);
    if (event === undefined) throw new InkubeError("NOT_RECORDED", `there is no event ${moment}, or not any more`);
    return newest(record, ({ lamport }) => lamport <= event.lamport);
  }
  return newest(record, ({ timeMs }) => timeMs <= moment);
}

function newest(
  record: TraceRecord,
  isBefore: (event: { readonly lamport: number; readonly timeMs: number }) => boolean,
): number | undefined {
  let found: number | undefined;
  for (const event of record.writes()) {
    if (isBefore(event)) found = Math.max(found ?? 0, revisionOf(event));
  }
  return found;
}

function said(moment: Moment): string {
  if (typeof moment === "object") return `revision ${moment.revision}`;
  return typeof moment === "string" ? moment : new Date(moment).toISOString();
}

function fits({ resource, namespace, name }: StateFilter, subject: string): boolean {
  const parts = subject.split("/");
  if (resource !== undefined && parts[0] !== resource) return false;
  if (namespace !== undefined && parts.length === 3 && parts[1] !== namespace) return false;
  return name === undefined || parts.at(-1) === name;
}

/** As the API served it: what is stored does not tell its revision. */
export function objectOf({ json, revision }: ObjectThen): KubernetesObject {
  const object = JSON.parse(json) as KubernetesObject;
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

function jsonOf(change: ObjectChange): string | undefined {
  if ("json" in change) return change.json;
  return change.object === undefined ? undefined : JSON.stringify(change.object);
}
