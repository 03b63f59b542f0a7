/**
 * Who manages which fields of an object: `metadata.managedFields`, by what tells its entries apart.
 * Source: apimachinery `util/managedfields/internal` (managedfields.go, capmanagers.go).
 */
import type { ManagedFieldsEntry } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import { isJsonObject, withFields } from "../machinery/json-value.ts";
import { parseTimeMs } from "../machinery/time.ts";
import type { FieldSet } from "./field-set.ts";
import { isEmpty, parseFieldSet, union } from "./field-set.ts";

export type Operation = "Apply" | "Update";

export interface Manager {
  readonly name: string;
  readonly operation: Operation;
  readonly apiVersion: string;
  /** "" is the object itself. */
  readonly subresource: string;
  /** RFC 3339, in seconds; undefined when it is not known. */
  readonly time: string | undefined;
  readonly fields: FieldSet;
  /** As it was written, while nothing of it has changed. */
  readonly entry?: ManagedFieldsEntry;
}

/** By `identityOf`. */
export type Managers = Map<string, Manager>;

/** Entries of `Update` that one object has. As in Kubernetes. */
const UPDATERS_MAX = 10;
/** Whose the fields of the oldest of them become. */
const ANCIENT = "ancient-changes";

/** What Kubernetes tells managers apart by: an applier is the same in every version. */
export function identityOf({ name, operation, apiVersion, subresource }: Omit<Manager, "time" | "fields">): string {
  return `${name}\n${operation}\n${operation === "Apply" ? "" : apiVersion}\n${subresource}`;
}

/** As Kubernetes sorts them, which is by the JSON that it knows them by. */
export function byIdentity(a: Manager, b: Manager): number {
  return byText(jsonOf(a), jsonOf(b));
}

function jsonOf({ name, operation, apiVersion, subresource }: Manager): string {
  return JSON.stringify({
    ...(name === "" ? {} : { manager: name }),
    operation,
    ...(operation === "Apply" || apiVersion === "" ? {} : { apiVersion }),
    ...(subresource === "" ? {} : { subresource }),
  });
}

/** Of a stored object, whose entries this server has written. */
export function managersOf(entries: readonly ManagedFieldsEntry[] | undefined): Managers {
  const managers: Managers = new Map();
  for (const entry of entries ?? []) {
    const manager = managerOf(entry, (entry.fieldsV1 ?? {}) as FieldSet);
    managers.set(identityOf(manager), manager);
  }
  return managers;
}

function managerOf(entry: ManagedFieldsEntry, fields: FieldSet): Manager {
  const { manager = "", operation = "Update", apiVersion = "", subresource = "", time } = entry;
  return { name: manager, operation: operation as Operation, apiVersion, subresource, time, fields, entry };
}

/**
 * What a client wrote.
 * @returns `why` it can't be understood, in Kubernetes' words
 */
export function parseManagers(entries: readonly ManagedFieldsEntry[]): Managers | { readonly why: string } {
  const managers: Managers = new Map();
  for (const [i, entry] of entries.entries()) {
    const { operation, apiVersion, fieldsType } = entry;
    if (operation !== "Apply" && operation !== "Update") return { why: "operation must be `Apply` or `Update`" };
    if (!apiVersion) return { why: "apiVersion must not be empty" };
    if (!fieldsType) return { why: `missing fieldsType in managed fields entry ${i}` };
    if (fieldsType !== "FieldsV1") return { why: `invalid fieldsType "${fieldsType}" in managed fields entry ${i}` };
    const fields = parseFieldSet(entry.fieldsV1 ?? {});
    if ("why" in fields && typeof fields.why === "string") return { why: fields.why };
    const { entry: _given, ...manager } = managerOf(entry, fields as FieldSet);
    managers.set(identityOf(manager), manager);
  }
  return managers;
}

/** Whether a client asks that nothing is tracked any more: an empty list, or one of an empty entry. */
export function asksForReset(entries: readonly ManagedFieldsEntry[] | undefined): boolean {
  if (entries === undefined) return false;
  const [only, ...more] = entries;
  return only === undefined || (more.length === 0 && isJsonObject(only) && Object.keys(only).length === 0);
}

/** As they are written into an object; undefined when nobody manages anything. */
export function entriesOf(managers: Managers): readonly ManagedFieldsEntry[] | undefined {
  if (managers.size === 0) return undefined;
  return [...managers.values()].sort(inWrittenOrder).map(entryOf);
}

function entryOf({ name, operation, apiVersion, subresource, time, fields, entry }: Manager): ManagedFieldsEntry {
  if (entry !== undefined && entry.fieldsV1 === fields) return entry;
  return withFields(name === "" ? {} : { manager: name }, {
    operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: "FieldsV1",
    fieldsV1: fields as unknown,
    ...(subresource === "" ? {} : { subresource }),
  });
}

/** Appliers first, then by time, to the second. */
function inWrittenOrder(a: Manager, b: Manager): number {
  if (a.operation !== b.operation) return a.operation < b.operation ? -1 : 1;
  if (a.time !== b.time) {
    const seconds = secondsOf(a) - secondsOf(b);
    if (seconds !== 0) return seconds;
  }
  return byText(a.name, b.name) || byText(a.apiVersion, b.apiVersion) || byText(a.subresource, b.subresource);
}

function byText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function secondsOf({ time }: Manager): number {
  return time === undefined ? 0 : Math.floor((parseTimeMs(time) ?? 0) / 1_000);
}

/** Joins the oldest updaters of a version until no more than `UPDATERS_MAX` are left. Changes `managers`. */
export function joinOldest(managers: Managers): void {
  if (managers.size <= UPDATERS_MAX) return;
  const updaters = [...managers].filter(([, { operation }]) => operation === "Update");
  let left = updaters.length;
  if (left <= UPDATERS_MAX) return;
  updaters.sort(([, a], [, b]) => secondsOf(a) - secondsOf(b) || byIdentity(a, b));
  const firstOf = new Map<string, string>();
  for (const [identity, manager] of updaters) {
    if (left <= UPDATERS_MAX) return;
    const { apiVersion, time } = manager;
    const first = firstOf.get(apiVersion);
    if (first === undefined) {
      firstOf.set(apiVersion, identity);
      continue;
    }
    const ancient = { name: ANCIENT, operation: "Update", apiVersion, subresource: "" } as const;
    const bucket = identityOf(ancient);
    const before = managers.get(bucket) ?? managers.get(first);
    if (managers.get(bucket) === undefined) managers.delete(first);
    const fields = before === undefined ? manager.fields : union(manager.fields, before.fields);
    managers.delete(identity);
    managers.set(bucket, { ...ancient, time, fields });
    left--;
  }
}

/** Sets the fields of a manager; one that has none is none. Changes `managers`. */
export function setFields(managers: Managers, identity: string, manager: Manager): void {
  if (isEmpty(manager.fields)) managers.delete(identity);
  else managers.set(identity, manager);
}
