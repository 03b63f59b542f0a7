/**
 * Events are stored as core `v1` and served as `events.k8s.io/v1`, too, under other field names.
 * Source: KEP-383; conversions of `k8s.io/api/events/v1`.
 */
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";

/** Stored name, served name. */
const FIELDS: readonly (readonly [string, string])[] = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
  ["reportingComponent", "reportingController"],
];
const TO_EVENTS = new Map(FIELDS);
const TO_CORE = new Map(FIELDS.map(([core, events]) => [events, core]));

/** The core version always writes who reports, the other only when somebody does. */
const REPORTS = { reportingComponent: "", reportingInstance: "" };

export function toEventsVersion(object: KubernetesObject): KubernetesObject {
  const named = Object.entries(object).filter(([name, value]) => value !== "" || !Object.hasOwn(REPORTS, name));
  return rename(Object.fromEntries(named) as KubernetesObject, TO_EVENTS, "events.k8s.io/v1");
}

export function toCoreVersion(object: KubernetesObject): KubernetesObject {
  return { ...REPORTS, ...rename(object, TO_CORE, "v1") };
}

function rename(object: KubernetesObject, names: ReadonlyMap<string, string>, apiVersion: string): KubernetesObject {
  const entries = Object.entries(object).map(([name, value]) => [names.get(name) ?? name, value]);
  return { ...(Object.fromEntries(entries) as KubernetesObject), apiVersion };
}
