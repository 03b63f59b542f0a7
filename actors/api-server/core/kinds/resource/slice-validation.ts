/** Whether a slice says where its devices are, and each device what it is. Source: Kubernetes `pkg/apis/resource/validation`. */
import type { NodeSelector } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type {
  Counter,
  CounterSet,
  Device,
  DeviceAttribute,
  DeviceCounterConsumption,
  ResourceSlice,
  ResourceSliceSpec,
} from "../../../../../protocols/kubernetes/types/resource-v1.ts";
import { equalJson } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { dns1123Label, dns1123Subdomain } from "../../machinery/validation/names.ts";
import { immutable } from "../../machinery/validation/object-meta.ts";
import { validateNodeSelector } from "../../machinery/validation/scheduling.ts";
import { validateBindingConditions } from "./binding-conditions.ts";
import type { DeviceErrors } from "./device-errors.ts";
import { validateUnique } from "./device-errors.ts";
import { validateDriver, validateLabelName, validatePool, validateQualifiedKey } from "./device-names.ts";
import { validateTaint } from "./device-taints.ts";
import { validateRequestPolicy } from "./request-policy.ts";
import { repeatedAt } from "../../machinery/validation/repeated.ts";

const DEVICES_MAX = 128;
/** Of devices that have taints, or counters. */
const ADVANCED_DEVICES_MAX = 64;
const COUNTER_SETS_MAX = 8;
const COUNTERS_MAX = 32;
const CONSUMPTIONS_MAX = 2;
const TAINTS_MAX = 16;
const PROPERTIES_MAX = 32;
const VALUES_MAX = 48;
const VALUE_BYTES_MAX = 64;

export function validateSlice({ spec }: ResourceSlice, old: ResourceSlice | undefined, errors: DeviceErrors): void {
  const { byHand, declared } = errors;
  const { driver, pool, devices, sharedCounters } = spec;
  validateDriver("spec.driver", driver, byHand);
  validatePool("spec.pool.name", pool.name, byHand);
  const { resourceSliceCount, generation } = pool;
  if (resourceSliceCount <= 0) {
    byHand.invalid("spec.pool.resourceSliceCount", resourceSliceCount, "must be greater than zero");
  }
  if (generation < 0) byHand.invalid("spec.pool.generation", generation, "must be greater than or equal to zero");
  if (old !== undefined) {
    immutable("spec.pool.name", pool.name, old.spec.pool.name, byHand);
    immutable("spec.driver", driver, old.spec.driver, byHand);
    immutable("spec.nodeName", spec.nodeName, old.spec.nodeName, byHand);
  }
  validateSliceNodes(spec, byHand);
  if (sharedCounters && devices) {
    byHand.invalid("spec", "", "only one of `sharedCounters` or `devices` is allowed");
  }
  validateDevices(spec, old?.spec, errors);
  const sets = sharedCounters ?? [];
  if (!validateUnique("spec.sharedCounters", sets, COUNTER_SETS_MAX, ({ name }) => name, declared)) return;
  for (const [i, set] of sets.entries()) validateCounterSet(`spec.sharedCounters[${i}]`, set, errors);
}

const UNSET_OR_TRUE = "must be either unset or set to true";

function validateSliceNodes(spec: ResourceSliceSpec, errors: FieldErrors): void {
  const set: string[] = [];
  const { nodeName, nodeSelector, allNodes, perDeviceNodeSelection } = spec;
  if (nodeName === "") {
    errors.invalid("spec.nodeName", nodeName, "must be either unset or set to a non-empty string");
  } else if (nodeName !== undefined) {
    set.push("`nodeName`");
    errors.all("spec.nodeName", nodeName, dns1123Subdomain(nodeName));
  }
  if (nodeSelector) {
    set.push("`nodeSelector`");
    validateNodeSelector("spec.nodeSelector", nodeSelector, errors);
    if ((nodeSelector.nodeSelectorTerms ?? []).length !== 1) {
      const detail = "must have exactly one node selector term";
      errors.invalid("spec.nodeSelector.nodeSelectorTerms", shownTerms(nodeSelector), detail);
    }
  }
  for (const [name, value] of Object.entries({ allNodes, perDeviceNodeSelection })) {
    if (value === true) set.push(`\`${name}\``);
    else if (value === false) errors.invalid(`spec.${name}`, value, UNSET_OR_TRUE);
  }
  const one = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
  if (set.length === 0) errors.required("spec", one);
  if (set.length > 1) errors.invalid("spec", `{${set.join(", ")}}`, `${one}, but multiple fields are set`);
}

/** With the names that its fields have in Go. */
function shownTerms({ nodeSelectorTerms }: NodeSelector): unknown {
  type Terms = NonNullable<NodeSelector["nodeSelectorTerms"]>[number]["matchExpressions"];
  const shown = (requirements: Terms): unknown =>
    requirements?.map(({ key, operator, values }) => ({ Key: key, Operator: operator, Values: values ?? null })) ??
    null;
  return (nodeSelectorTerms ?? []).map(({ matchExpressions, matchFields }) => ({
    MatchExpressions: shown(matchExpressions),
    MatchFields: shown(matchFields),
  }));
}

function validateDevices(spec: ResourceSliceSpec, old: ResourceSliceSpec | undefined, errors: DeviceErrors): void {
  const { byHand } = errors;
  const devices = spec.devices ?? [];
  const advanced = devices.some(
    ({ taints, consumesCounters }) => (taints ?? []).length + (consumesCounters ?? []).length > 0,
  );
  const max = advanced ? ADVANCED_DEVICES_MAX : DEVICES_MAX;
  if (devices.length > max) return byHand.tooMany("spec.devices", devices.length, max);
  const before = new Map((old?.devices ?? []).toReversed().map((device) => [device.name, device]));
  for (const [i, device] of devices.entries()) {
    validateDevice(`spec.devices[${i}]`, device, before.get(device.name), spec.perDeviceNodeSelection === true, errors);
  }
  const repeated = repeatedAt(devices.map((each) => each.name));
  for (const [i, { name }] of devices.entries()) {
    if (repeated.has(i)) byHand.duplicate(`spec.devices[${i}]`, name);
  }
}

function validateDevice(
  at: string,
  device: Device,
  old: Device | undefined,
  ownNodes: boolean,
  errors: DeviceErrors,
): void {
  const { byHand, declared } = errors;
  const { attributes = {}, capacity = {}, taints = [], consumesCounters = [] } = device;
  validateLabelName(`${at}.name`, device.name, byHand);
  const count = Object.keys(attributes).length + Object.keys(capacity).length;
  if (count > PROPERTIES_MAX) {
    byHand.invalid(at, count, `the total number of attributes and capacities must not exceed ${PROPERTIES_MAX}`);
  }
  const values = Object.keys(attributes).length;
  if (values > VALUES_MAX) {
    byHand.invalid(at, values, `the total number of attribute values must not exceed ${VALUES_MAX}`);
  }
  for (const [name, attribute] of Object.entries(attributes)) {
    validateQualifiedKey(`${at}.attributes`, name, byHand);
    validateAttribute(`${at}.attributes[${name}]`, attribute, errors);
  }
  if (old === undefined || !equalJson(old.capacity ?? {}, capacity)) validateCapacity(at, device, byHand);
  if (old === undefined || !equalJson(old.taints ?? [], taints)) {
    if (taints.length > TAINTS_MAX) byHand.tooMany(`${at}.taints`, taints.length, TAINTS_MAX);
    else for (const [i, taint] of taints.entries()) validateTaint(`${at}.taints[${i}]`, taint, undefined, errors);
  }
  const sets = `${at}.consumesCounters`;
  if (validateUnique(sets, consumesCounters, CONSUMPTIONS_MAX, ({ counterSet }) => counterSet, declared)) {
    for (const [i, counters] of consumesCounters.entries()) validateConsumption(`${sets}[${i}]`, counters, errors);
  }
  validateDeviceNodes(at, device, ownNodes, byHand);
  validateBindingConditions(at, device, errors);
}

const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/;
const KINDS = ["int", "bool", "string", "version", "ints", "bools", "strings", "versions"] as const;

function validateAttribute(at: string, attribute: DeviceAttribute, { byHand, declared }: DeviceErrors): void {
  const { string: text, version } = attribute;
  if (text !== undefined && text.length > VALUE_BYTES_MAX) byHand.tooLong(`${at}.string`, VALUE_BYTES_MAX);
  if (version !== undefined) {
    if (!SEMVER.test(version)) {
      byHand.invalid(`${at}.version`, version, "must be a string compatible with semver.org spec 2.0.0");
    }
    if (version.length > VALUE_BYTES_MAX) byHand.tooLong(`${at}.version`, VALUE_BYTES_MAX);
  }
  const set = KINDS.filter((kind) => attribute[kind] !== undefined);
  const names = KINDS.map((kind) => `\`${kind}\``).join(", ");
  if (set.length === 0) declared.invalid(at, "", `must specify one of: ${names}`);
  if (set.length > 1) {
    const shown = `{${set.map((kind) => `\`${kind}\``).join(", ")}}`;
    declared.invalid(at, shown, `must specify exactly one of: ${names}`);
  }
}

function validateCapacity(at: string, { capacity = {}, allowMultipleAllocations }: Device, errors: FieldErrors): void {
  for (const [name, { value, requestPolicy }] of Object.entries(capacity)) {
    validateQualifiedKey(`${at}.capacity`, name, errors);
    if (!requestPolicy) continue;
    const field = `${at}.capacity[${name}].requestPolicy`;
    if (allowMultipleAllocations === true) validateRequestPolicy(field, value, requestPolicy, errors);
    else errors.forbidden(field, "allowMultipleAllocations must be true");
  }
}

const OWN_NODES_OFF =
  "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
const OWN_NODES_ON =
  "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec";

function validateDeviceNodes(at: string, device: Device, ownNodes: boolean, errors: FieldErrors): void {
  const { nodeName, nodeSelector, allNodes } = device;
  if (!ownNodes) {
    const given = nodeName !== undefined || nodeSelector !== undefined || allNodes !== undefined;
    if (given) errors.invalid(at, null, OWN_NODES_OFF);
    return;
  }
  const set: string[] = [];
  if (nodeName === "") errors.invalid(`${at}.nodeName`, nodeName, "must not be empty");
  else if (nodeName !== undefined) {
    set.push("`nodeName`");
    errors.all(`${at}.nodeName`, nodeName, dns1123Subdomain(nodeName));
  }
  if (nodeSelector) {
    set.push("`nodeSelector`");
    validateNodeSelector(`${at}.nodeSelector`, nodeSelector, errors);
  }
  if (allNodes === true) set.push("`allNodes`");
  else if (allNodes === false) errors.invalid(`${at}.allNodes`, allNodes, UNSET_OR_TRUE);
  if (set.length === 0) errors.required(at, OWN_NODES_ON);
  if (set.length > 1) errors.invalid(at, `{${set.join(", ")}}`, OWN_NODES_ON);
}

function validateCounterSet(at: string, { name, counters }: CounterSet, errors: DeviceErrors): void {
  if (!name) errors.declared.required(`${at}.name`);
  else errors.declared.all(`${at}.name`, name, dns1123Label(name));
  validateCounters(`${at}.counters`, counters, errors);
}

function validateConsumption(at: string, consumption: DeviceCounterConsumption, errors: DeviceErrors): void {
  const { counterSet, counters } = consumption;
  if (!counterSet) errors.declared.required(`${at}.counterSet`);
  else errors.declared.all(`${at}.counterSet`, counterSet, dns1123Label(counterSet));
  validateCounters(`${at}.counters`, counters, errors);
}

function validateCounters(
  field: string,
  counters: Readonly<Record<string, Counter>> | undefined,
  { byHand, declared }: DeviceErrors,
): void {
  const names = Object.keys(counters ?? {});
  if (names.length === 0) return declared.required(field);
  if (names.length > COUNTERS_MAX) byHand.tooMany(field, names.length, COUNTERS_MAX);
  for (const name of names) declared.all(field, name, dns1123Label(name));
}
