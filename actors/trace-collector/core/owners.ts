/** Which objects were made for which: by their owner references, and where the record has no objects by who created them. */
import type { OwnerReference } from "../../../protocols/kubernetes/types/meta-v1.ts";
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import { objectOf } from "./inferred.ts";
import { fieldOf } from "./event-fields.ts";
import type { TraceRecord } from "./record.ts";
import { isRequest } from "./phrases.ts";
import { pluralOf } from "./subjects.ts";

interface Owners {
  readonly byDependent: ReadonlyMap<string, string>;
  readonly byOwner: ReadonlyMap<string, readonly string[]>;
}

/** Records do not change. */
const known = new WeakMap<TraceRecord, Owners>();

/** `replicasets/default/web-5d4` of a pod of it. */
export function ownerOf(record: TraceRecord, subject: string): string | undefined {
  return ownersIn(record).byDependent.get(subject);
}

/** In the order in which they were created. */
export function dependentsOf(record: TraceRecord, subject: string): readonly string[] {
  return ownersIn(record).byOwner.get(subject) ?? [];
}

function ownersIn(record: TraceRecord): Owners {
  let owners = known.get(record);
  if (owners === undefined) known.set(record, (owners = find(record)));
  return owners;
}

function find(record: TraceRecord): Owners {
  const byDependent = new Map<string, string>();
  for (const event of record.writes()) {
    if (byDependent.has(event.subject) || event.subject.startsWith("events/")) continue;
    const owner = madeFor(record, event);
    if (owner !== undefined && owner !== event.subject) byDependent.set(event.subject, owner);
  }
  // To read an object takes longer than all else: only of those whose beginning the record does not have.
  for (const change of record.changes) {
    if (byDependent.has(change.subject) || change.subject.startsWith("events/")) continue;
    const { metadata } = change.object ?? {};
    const [owner] = metadata?.ownerReferences ?? [];
    if (owner !== undefined) byDependent.set(change.subject, subjectOfOwner(owner, metadata?.namespace));
  }
  const byOwner = new Map<string, string[]>();
  for (const [dependent, owner] of byDependent) {
    const others = byOwner.get(owner);
    if (others === undefined) byOwner.set(owner, [dependent]);
    else others.push(dependent);
  }
  return { byDependent, byOwner };
}

function subjectOfOwner({ kind, name }: OwnerReference, namespace: string | undefined): string {
  const plural = pluralOf(kind.toLowerCase());
  return namespace === undefined || kind === "Node" ? `${plural}/${name}` : `${plural}/${namespace}/${name}`;
}

/** What a controller creates while it reconciles an object it creates for that. */
function madeFor(record: TraceRecord, event: TraceEvent): string | undefined {
  const first = record.about(event.subject).find(({ kind }) => kind === "write");
  if (first !== event || fieldOf(event, "action") === "remove") return undefined;
  let cause = record.causeOf(event);
  while (cause !== undefined && isRequest(cause)) cause = record.causeOf(cause);
  return cause?.kind === "reconcile" ? objectOf(cause.subject) : undefined;
}
