/** Nodes: a kubelet registers with its status, and a creation keeps it. */
import type { Node, NodeAddress, Taint } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import type { Cell } from "../../machinery/cells.ts";
import { member, objectIn, roundAmounts, setDefault, syncFirst } from "../../machinery/default-values.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import { cloneJson } from "../../machinery/json-value.ts";
import { UnhonouredFields } from "../../machinery/unhonoured.ts";
import type { Unhonoured } from "../../machinery/unhonoured.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { cidr, labelValue, qualifiedName } from "../../machinery/validation/names.ts";
import { repeatedAt } from "../../machinery/validation/repeated.ts";
import { validateQuantity } from "../../machinery/validation/resources.ts";
import type { KindRules } from "../rules.ts";

export const NODE_UNHONOURED: readonly Unhonoured[] = [
  { path: "configSource", words: "kubelets are configured by their options" },
  { path: "podPreemptionPolicy", words: "no pod makes room for another" },
];
const UNHONOURED = new UnhonouredFields(NODE_UNHONOURED);

export const nodeRules: KindRules = {
  status: "kept",
  defaults,
  validate,
  validateUpdate,
  validateStatusUpdate: validateUpdate,
  warnings: (object: Node) => [...warnings(object), ...UNHONOURED.in("spec", (object.spec ?? {}) as JsonObject)],
  retold: warnings,
  cells,
};

function warnings({ spec }: Node): readonly string[] {
  return spec?.externalID ? ["spec.externalID: this field is deprecated, and is unused by Kubernetes"] : [];
}

function defaults(object: JsonObject): void {
  const status = member(object, "status");
  const capacity = objectIn(status, "capacity");
  roundAmounts(capacity);
  roundAmounts(objectIn(status, "allocatable"));
  if (capacity !== undefined) setDefault(status, "allocatable", cloneJson(capacity));
  const spec = member(object, "spec");
  syncFirst(
    spec,
    "podCIDR",
    "podCIDRs",
    (only) => only,
    (first) => first,
  );
}

const EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

function validate(node: Node, errors: FieldErrors): void {
  validateTaints(node.spec?.taints ?? [], errors);
  for (const list of ["capacity", "allocatable"] as const) {
    for (const [name, value] of Object.entries(node.status?.[list] ?? {})) {
      validateQuantity(`status.${list}.${name}`, value, errors);
    }
  }
  validateFeatures(node.status?.declaredFeatures ?? [], errors);
  for (const [i, value] of (node.spec?.podCIDRs ?? []).entries()) errors.all(`spec.podCIDRs[${i}]`, value, cidr(value));
}

/** Kubernetes names the place of a taint so, though it is `spec.taints`. */
function validateTaints(taints: readonly Taint[], errors: FieldErrors): void {
  const seen = new Set<string>();
  for (const [i, { key, value = "", effect }] of taints.entries()) {
    const at = `metadata.taints[${i}]`;
    errors.all(`${at}.key`, key, qualifiedName(key));
    errors.all(`${at}.value`, value, labelValue(value));
    if (!effect) errors.required(`${at}.effect`);
    else errors.oneOf(`${at}.effect`, effect, EFFECTS);
    const pair = `${key}:${effect}`;
    if (seen.has(pair)) {
      const shown = { Key: key, Value: value, Effect: effect, TimeAdded: null };
      errors.duplicate(at, shown, "taints must be unique by key and effect pair");
    }
    seen.add(pair);
  }
}

/** The first part in UpperCamelCase. */
const FEATURE = /^[A-Z][a-zA-Z0-9]*(\/[a-zA-Z][a-zA-Z0-9]*)*$/;
const FEATURE_MESSAGE =
  "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes";
const FEATURE_LENGTH_MAX = 253;

function validateFeatures(features: readonly string[], errors: FieldErrors): void {
  for (const [i, feature] of features.entries()) {
    const at = `status.declaredFeatures[${i}]`;
    const before = features[i - 1];
    if (before === feature) errors.duplicate(at, feature);
    else if (before !== undefined && before > feature)
      errors.invalid(at, feature, "list must be sorted alphabetically");
    const problem =
      feature.length > FEATURE_LENGTH_MAX ? `must be no more than ${FEATURE_LENGTH_MAX} characters` : FEATURE_MESSAGE;
    if (feature.length <= FEATURE_LENGTH_MAX && FEATURE.test(feature)) continue;
    errors.invalid(at, feature, `invalid feature name ${JSON.stringify(feature)}: ${problem}`);
  }
}

function validateAddresses(addresses: readonly NodeAddress[], errors: FieldErrors): void {
  const repeated = repeatedAt(addresses.map(({ type, address }) => JSON.stringify([type, address])));
  for (const [i, { type, address }] of addresses.entries()) {
    if (repeated.has(i)) errors.duplicate(`status.addresses[${i}]`, { Type: type, Address: address });
  }
}

function validateUpdate(node: Node, old: Node, errors: FieldErrors): void {
  validate(node, errors);
  validateAddresses(node.status?.addresses ?? [], errors);
  if (old.spec?.podCIDR && node.spec?.podCIDR !== old.spec.podCIDR) {
    errors.forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid');
  }
  if (old.spec?.providerID && node.spec?.providerID !== old.spec.providerID) {
    errors.invalid("spec.providerID", null, "field cannot be modified once set");
  }
}

function cells(node: Node, nowMs: number): readonly Cell[] {
  const info = node.status?.nodeInfo;
  const ready = node.status?.conditions?.find((condition) => condition.type === "Ready");
  const status = ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady";
  const address = (type: string): string =>
    node.status?.addresses?.find((candidate) => candidate.type === type)?.address ?? "<none>";
  const architecture = info?.architecture ? ` (${info.architecture})` : "";
  return [
    nameOf(node),
    node.spec?.unschedulable === true ? `${status},SchedulingDisabled` : status,
    nodeRoles(node),
    ageOf(node, nowMs),
    info?.kubeletVersion ?? "",
    address("InternalIP"),
    address("ExternalIP"),
    info?.osImage || "<unknown>",
    `${info?.kernelVersion || "<unknown>"}${architecture}`,
    info?.containerRuntimeVersion || "<unknown>",
  ];
}

const ROLE_PREFIX = "node-role.kubernetes.io/";

function nodeRoles(node: Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(node.metadata?.labels ?? {})) {
    if (key.startsWith(ROLE_PREFIX) && key !== ROLE_PREFIX) roles.add(key.slice(ROLE_PREFIX.length));
    else if (key === "kubernetes.io/role" && value !== "") roles.add(value);
  }
  return roles.size === 0 ? "<none>" : [...roles].sort().join(",");
}
