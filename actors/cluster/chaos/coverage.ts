/**
 * What a run has shown of a controller: each operation in each state that the controller knew of, after which fault. A plan that
 * shows something that no plan before it did is worth being changed a little and tried again.
 */
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import type { History } from "./history.ts";
import { placeOf } from "./search.ts";

/** Of metadata: what differs from run to run, and says nothing of what an object is. */
const PASSING: readonly string[] = [
  "uid",
  "resourceVersion",
  "creationTimestamp",
  "managedFields",
  "generation",
  "name",
];
const TIME = /\d{4}-\d\d-\d\dT[\d:.]+Z/g;
/** What the API server puts behind a `generateName`. */
const GENERATED = /-[bcdfghjklmnpqrstvwxz2456789]{5}$/;
const NOT_TOLD = 0;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** A number for each, without order and without repetition. */
export function seenIn(history: History): readonly number[] {
  const { beganMs } = history;
  const contents = new Map<number, number>();
  for (const { revision, object } of history.changes) contents.set(revision, contentOf(object));
  const moments = [
    ...history.deliveries.map((seen) => ({ atMs: seen.atMs, seen, kind: "delivery" as const })),
    ...history.requests.filter((seen) => history.isOfControllers(seen)).map(asRequest),
    ...history.struck.map(({ atMs, kind }) => ({ atMs, fault: kind, kind: "fault" as const })),
  ].sort((left, right) => left.atMs - right.atMs);
  /** By client: a hash of what it knows, and what that is made of. */
  const known = new Map<string, { state: number; readonly parts: Map<string, number> }>();
  const found = new Set<number>();
  let fault = "";
  for (const moment of moments) {
    if (moment.kind === "fault") {
      fault = moment.fault;
      continue;
    }
    const { by } = moment.seen;
    let client = known.get(by);
    if (client === undefined) known.set(by, (client = { state: 0, parts: new Map() }));
    if (moment.kind === "delivery") {
      const { type, revision } = moment.seen;
      const place = placeOf(moment.seen);
      const part = hash(`${place} ${type === "DELETED" ? NOT_TOLD : (contents.get(revision) ?? NOT_TOLD)}`);
      // A sum has no order: what is known is the same however it came to be known.
      client.state = (client.state - (client.parts.get(place) ?? 0) + part) >>> 0;
      client.parts.set(place, part);
    } else if (moment.atMs >= beganMs) {
      const { verb, code, fate = "" } = moment.seen;
      found.add(
        hash(`${by} ${client.state} ${verb} ${placeOf(moment.seen).replace(GENERATED, "-*")} ${code} ${fate} ${fault}`),
      );
    }
  }
  return [...found];
}

function asRequest<T extends { readonly atMs: number }>(
  seen: T,
): { readonly atMs: number; readonly seen: T; readonly kind: "request" } {
  return { atMs: seen.atMs, seen, kind: "request" };
}

function contentOf(object: KubernetesObject): number {
  const { metadata = {}, ...rest } = object;
  const told = Object.entries(metadata).filter(([field]) => !PASSING.includes(field));
  return hash(JSON.stringify([told, rest]).replaceAll(TIME, ""));
}

/** FNV-1a, of 32 bits. */
function hash(text: string): number {
  let value = FNV_OFFSET;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), FNV_PRIME);
  return value >>> 0;
}
