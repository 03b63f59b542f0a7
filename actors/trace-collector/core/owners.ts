/**
 * Which objects were made for which: by who created them, and where the record does not have that by their owner references. Only
 * what an object itself came of, or its own controller did, is looked at: a record may have a hundred thousand writes.
 */
import type { OwnerReference } from "../../../protocols/kubernetes/types/meta-v1.ts";
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import { fieldOf } from "./event-fields.ts";
import { objectOf } from "./inferred.ts";
import type { TraceRecord } from "./record.ts";
import { isRequest } from "./phrases.ts";
import { pluralOf, queuesOf } from "./subjects.ts";

/** `replicasets/default/web-5d4` of a pod of it. */
export function ownerOf(record: TraceRecord, subject: string): string | undefined {
  const first = record.about(subject).find(({ kind }) => kind === "write");
  const maker = first === undefined ? undefined : makerOf(record, first);
  if (maker !== undefined && maker !== subject) return maker;
  const metadata = record.versionsOf(subject).findLast(({ object }) => object !== undefined)?.object?.metadata;
  const [owner] = metadata?.ownerReferences ?? [];
  return owner === undefined ? undefined : subjectOfOwner(owner, metadata?.namespace);
}

/** In the order in which they were created. */
export function dependentsOf(record: TraceRecord, subject: string): readonly string[] {
  const turns = queuesOf(subject).flatMap((key) => record.about(key).filter(({ kind }) => kind === "reconcile"));
  const made = new Set<string>();
  for (const turn of turns) {
    for (const request of record.effectsOf(turn)) {
      // An API server that has the request of another as its own cause writes because of that.
      for (const write of [request, ...record.effectsOf(request)].flatMap((event) => record.writesOf(event))) {
        if (isBeginning(record, write)) made.add(write.subject);
      }
    }
  }
  made.delete(subject);
  return made.size > 0 ? [...made] : referredTo(record, subject);
}

/** Each object's last references are read: only where its controller's turns are not in the record. */
function referredTo(record: TraceRecord, subject: string): readonly string[] {
  const uid = record.versionsOf(subject).findLast(({ object }) => object !== undefined)?.object?.metadata?.uid;
  if (uid === undefined) return [];
  const found = new Set<string>();
  const subjects = new Set(record.changes.map(({ subject: of }) => of).filter((of) => !of.startsWith("events/")));
  for (const of of subjects) {
    const last = record.versionsOf(of).findLast(({ object }) => object !== undefined)?.object;
    if (last?.metadata?.ownerReferences?.some((owner) => owner.uid === uid) === true) found.add(of);
  }
  return [...found];
}

function subjectOfOwner({ kind, name }: OwnerReference, namespace: string | undefined): string {
  const plural = pluralOf(kind.toLowerCase());
  return namespace === undefined || kind === "Node" ? `${plural}/${name}` : `${plural}/${namespace}/${name}`;
}

function isBeginning(record: TraceRecord, write: TraceEvent): boolean {
  if (write.subject.startsWith("events/") || fieldOf(write, "action") === "remove") return false;
  return record.about(write.subject).find(({ kind }) => kind === "write") === write;
}

/** What a controller creates while it reconciles an object it creates for that. */
function makerOf(record: TraceRecord, write: TraceEvent): string | undefined {
  if (!isBeginning(record, write)) return undefined;
  let cause = record.causeOf(write);
  while (cause !== undefined && isRequest(cause)) cause = record.causeOf(cause);
  return cause?.kind === "reconcile" ? objectOf(cause.subject) : undefined;
}
