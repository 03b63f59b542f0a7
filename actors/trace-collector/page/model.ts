/**
 * What the page shows of a record: rows of objects (each below what owns it) and rows of actors (each on its machine), and of each
 * event what it looks like and in which row it stands. Pure: the same in a test and in a browser.
 */
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import { revisionOf } from "../core/event-fields.ts";
import { machineOf } from "../core/exports/details.ts";
import type { Phase } from "../core/exports/phases.ts";
import { phasesOfActor, phasesOfObject, RevisionTimes } from "../core/exports/phases.ts";
import { isObject, subjectsOf } from "../core/exports/subjects.ts";
import { objectOf } from "../core/inferred.ts";
import { ownerOf } from "../core/owners.ts";
import type { ObjectChange, TraceRecord } from "../core/record.ts";

/** How an event is drawn; later ones lie above earlier ones. */
export const LOOKS = ["message", "other", "write", "trouble", "fault"] as const;
export type Look = (typeof LOOKS)[number];

export interface Row {
  /** A subject, an actor, or `group:…`. */
  readonly key: string;
  readonly label: string;
  readonly depth: number;
  /** Its place among the rows; -1 at the top. */
  readonly parent: number;
  readonly isGroup: boolean;
  /** Whether its children are shown at first. */
  readonly isOpen: boolean;
  readonly phases: readonly Phase[];
  /** Places of its events in the record, in order; of a group those of all below it. */
  readonly events: Int32Array;
}

export interface View {
  readonly rows: readonly Row[];
  /** The row of each event; -1 where it has none. */
  readonly rowOf: Int32Array;
  /** Whether rows have children. */
  readonly hasChildren: readonly boolean[];
}

export type ViewName = "objects" | "actors";

const NONE = new Int32Array(0);

export class Model {
  readonly record: TraceRecord;
  readonly events: readonly TraceEvent[];
  readonly times: RevisionTimes;
  readonly looks: Uint8Array;
  /** Of each event, since the beginning, in microseconds. */
  readonly at: Float64Array;
  readonly beginsAt: number;
  readonly endsAt: number;
  private readonly places: ReadonlyMap<TraceEvent, number>;
  private readonly views = new Map<ViewName, View>();

  constructor(record: TraceRecord) {
    this.record = record;
    this.events = record.events;
    this.times = new RevisionTimes(record);
    this.looks = Uint8Array.from(this.events, (event) => LOOKS.indexOf(lookOf(event)));
    this.places = new Map(this.events.map((event, index) => [event, index]));
    const beginsAt = this.events[0]?.lamport ?? 0;
    this.beginsAt = beginsAt;
    this.at = Float64Array.from(this.events, ({ lamport }) => lamport - beginsAt);
    this.endsAt = Math.max(this.events.at(-1)?.lamport ?? 0, this.beginsAt + 1);
  }

  view(name: ViewName): View {
    const known = this.views.get(name) ?? (name === "objects" ? objectsView(this) : actorsView(this));
    this.views.set(name, known);
    return known;
  }

  placeOf(event: TraceEvent): number {
    return this.places.get(event) ?? -1;
  }

  /** The event and what it came of, back to the first; then what else each step came of. */
  chainOf(index: number): {
    readonly chain: readonly number[];
    readonly also: readonly (readonly [from: number, to: number])[];
  } {
    const event = this.events[index]!;
    const chain = this.record.chainOf(event);
    const also = this.record.othersOf(event).map((cause) => [this.placeOf(cause), index] as const);
    return { chain: chain.map((each) => this.placeOf(each)), also };
  }

  /** What a write made of an object, and what it was before; undefined where the record has not got that. */
  writtenBy(event: TraceEvent): { readonly before: unknown; readonly after: unknown } | undefined {
    if (event.kind !== "write") return undefined;
    const versions = this.record.versionsOf(event.subject);
    const at = versions.findIndex(({ revision }) => revision === revisionOf(event));
    return at < 0 ? undefined : { before: versions[at - 1]?.object, after: versions[at]!.object };
  }

  /** The newest change of each object up to a moment, of those that were there then. */
  stateAt(lamport: number): readonly ObjectChange[] {
    const revision = this.times.at(lamport);
    const newest = new Map<string, ObjectChange>();
    for (const change of this.record.changes) if (change.revision <= revision) newest.set(change.subject, change);
    const there = [...newest.values()].filter(({ object }) => object !== undefined);
    return there.sort((left, right) => (left.subject < right.subject ? -1 : 1));
  }
}

function lookOf({ kind, detail }: TraceEvent): Look {
  switch (kind) {
    case "call":
    case "cast":
    case "stream":
      return "message";
    case "kill":
    case "fault":
    case "crash":
    case "request.fault":
    case "object.flipped":
      return "fault";
    case "down":
      return detail.includes("reason=normal") ? "other" : "trouble";
    case "unschedulable":
    case "container.failed":
    case "node-lost":
    case "pod-evicted":
    case "dead-letter":
    case "log.error":
    case "leader-lost":
    case "probe.failed":
      return "trouble";
    case "write":
      return "write";
    default:
      return "other";
  }
}

/** Resources of which a cluster has some from its beginning on, and users hardly any. */
const OF_CLUSTERS =
  /^(clusterroles|clusterrolebindings|flowschemas|prioritylevelconfigurations|priorityclasses|csinodes|events|endpoints|endpointslices|controllerrevisions|servicecidrs|ipaddresses|apiservices)$/;
const NAMED_BY_CLUSTERS =
  /^(serviceaccounts\/.*\/default|namespaces\/default|services\/default\/kubernetes|.*\/kube-[^/]*)$/;

/** What a cluster keeps for itself: there, and out of the way. */
export function isQuiet(subject: string): boolean {
  return (
    OF_CLUSTERS.test(resourceOf(subject)) || NAMED_BY_CLUSTERS.test(subject) || /^[^/]*\/kube-[^/]*\//.test(subject)
  );
}

/** Before the resource, in the key of a group. */
const QUIETLY = "of the cluster: ";

function objectsView(model: Model): View {
  const { record } = model;
  const subjects = subjectsOf(record).filter(isObject);
  const known = new Set(subjects);
  // The Lease of a node says of it that it lives, which its own row does.
  const ownerIn = (subject: string): string | undefined => {
    const owner = ownerOf(record, subject);
    return owner !== undefined && known.has(owner) && !owner.startsWith("nodes/") ? owner : undefined;
  };
  const children = new Map<string, string[]>();
  const add = (parent: string, child: string): void => {
    const others = children.get(parent);
    if (others === undefined) children.set(parent, [child]);
    else others.push(child);
  };
  for (const subject of subjects)
    add(ownerIn(subject) ?? `group:${isQuiet(subject) ? QUIETLY : ""}${resourceOf(subject)}`, subject);
  const bySubject = eventsBySubject(model, known);
  const builder = new RowBuilder();
  const groups = [...children.keys()].filter((key) => key.startsWith("group:"));
  const rank = (group: string): number => (group.startsWith(`group:${QUIETLY}`) ? 2 : group === "group:nodes" ? 1 : 0);
  for (const group of groups.sort((left, right) => rank(left) - rank(right) || (left < right ? -1 : 1))) {
    const isOpen = rank(group) < 2;
    const resource = group.slice(isOpen ? 6 : 6 + QUIETLY.length);
    const label = isOpen ? resource : `${resource} of the cluster`;
    const at = builder.add({
      key: group,
      label,
      depth: 0,
      parent: -1,
      isGroup: true,
      isOpen,
      phases: [],
      events: NONE,
    });
    const place = (subject: string, depth: number, parent: number): void => {
      if (builder.has(subject)) return;
      const phases = phasesOfObject(record, subject, model.times);
      const name =
        depth === 1
          ? subject.slice(resource.length + 1)
          : `${singular(resourceOf(subject))} ${subject.split("/").at(-1)}`;
      const own = builder.add({
        key: subject,
        label: name,
        depth,
        parent,
        isGroup: false,
        isOpen: true,
        phases,
        events: Int32Array.from(bySubject.get(subject) ?? []),
      });
      for (const child of children.get(subject) ?? []) place(child, depth + 1, own);
    };
    for (const subject of children.get(group)!) place(subject, 1, at);
  }
  return builder.view(model.events.length);
}

function actorsView(model: Model): View {
  const { record, events } = model;
  const byActor = new Map<string, number[]>();
  for (const [index, { actor }] of events.entries()) {
    const known = byActor.get(actor);
    if (known === undefined) byActor.set(actor, [index]);
    else known.push(index);
  }
  const actors = [...byActor.keys()].sort();
  const machines = [...new Set(actors.map(machineOf))].sort();
  const builder = new RowBuilder();
  for (const machine of machines) {
    const group = {
      key: `group:${machine}`,
      label: machine,
      depth: 0,
      parent: -1,
      isGroup: true,
      isOpen: true,
      phases: [],
      events: NONE,
    };
    const parent = builder.add(group);
    for (const actor of actors.filter((each) => machineOf(each) === machine)) {
      const label = actor.startsWith(`${machine}/`) ? actor.slice(machine.length + 1) : actor;
      const phases = phasesOfActor(record, actor);
      builder.add({
        key: actor,
        label,
        depth: 1,
        parent,
        isGroup: false,
        isOpen: true,
        phases,
        events: Int32Array.from(byActor.get(actor)!),
      });
    }
  }
  return builder.view(events.length);
}

class RowBuilder {
  private readonly rows: Row[] = [];
  private readonly keys = new Set<string>();

  has(key: string): boolean {
    return this.keys.has(key);
  }

  add(row: Row): number {
    this.keys.add(row.key);
    return this.rows.push(row) - 1;
  }

  view(eventCount: number): View {
    const rowOf = new Int32Array(eventCount).fill(-1);
    const hasChildren = this.rows.map(() => false);
    const below = this.rows.map((): number[] => []);
    for (const [index, { events, parent, isGroup }] of this.rows.entries()) {
      if (parent >= 0) hasChildren[parent] = true;
      if (isGroup) continue;
      for (const event of events) rowOf[event] = index;
      let group = parent;
      while (group >= 0 && !this.rows[group]!.isGroup) group = this.rows[group]!.parent;
      if (group >= 0) for (const event of events) below[group]!.push(event);
    }
    const rows = this.rows.map((row, index) =>
      row.isGroup ? { ...row, events: Int32Array.from(below[index]!).sort() } : row,
    );
    return { rows, rowOf, hasChildren };
  }
}

/** Also what keys of queues (`replica-set/default/web`) and machines (`worker-1`) stand for. */
function eventsBySubject({ events }: Model, known: ReadonlySet<string>): ReadonlyMap<string, number[]> {
  const found = new Map<string, number[]>();
  for (const [index, event] of events.entries()) {
    const subject = placeOf(event, known);
    if (subject === undefined) continue;
    const others = found.get(subject);
    if (others === undefined) found.set(subject, [index]);
    else others.push(index);
  }
  return found;
}

function placeOf({ kind, subject }: TraceEvent, known: ReadonlySet<string>): string | undefined {
  if (known.has(subject)) return subject;
  const place = OF_MACHINES.test(kind)
    ? `nodes/${subject.split("/")[0]}`
    : kind === "reconcile"
      ? objectOf(subject)
      : "";
  return known.has(place) ? place : undefined;
}

const OF_MACHINES = /^(kill|fault|down|asked)$/;

export function resourceOf(subject: string): string {
  return subject.slice(0, subject.indexOf("/"));
}

function singular(resource: string): string {
  return resource
    .replace(/ies$/, "y")
    .replace(/(ss|x|ch)es$/, "$1")
    .replace(/s$/, "");
}
