/** Rules of ConfigMaps, Secrets, Nodes and Leases. Source: Kubernetes `pkg/apis/{core,coordination}/validation`. */
import type { Lease } from "../../../../../protocols/kubernetes/types/coordination-v1.ts";
import type { ConfigMap, Namespace, Node, Secret, Taint } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { base64Length } from "../base64.ts";
import { equalJson } from "../json-value.ts";
import type { FieldErrors } from "./field-errors.ts";
import { cidr, configKey, labelValue, qualifiedName } from "./names.ts";
import { immutable } from "./object-meta.ts";
import { validateQuantity } from "./resources.ts";

/** All values of a ConfigMap or Secret together. */
const DATA_BYTES_MAX = 1024 * 1024;

export function validateConfigMap(object: ConfigMap, errors: FieldErrors): void {
  const { data, binaryData } = object;
  let bytes = 0;
  for (const [key, value] of Object.entries(data ?? {})) {
    errors.all(`data[${key}]`, key, configKey(key));
    if (Object.hasOwn(binaryData ?? {}, key))
      errors.invalid(`data[${key}]`, key, "duplicate of key present in binaryData");
    bytes += value.length;
  }
  for (const [key, value] of Object.entries(binaryData ?? {})) {
    errors.all(`binaryData[${key}]`, key, configKey(key));
    bytes += base64Length(value);
  }
  // Only the field tells which object is meant: Kubernetes names none.
  if (bytes > DATA_BYTES_MAX) errors.tooLong("", DATA_BYTES_MAX);
}

export function validateConfigMapUpdate(object: ConfigMap, old: ConfigMap, errors: FieldErrors): void {
  validateImmutable(object, old, ["data", "binaryData"], errors);
  validateConfigMap(object, errors);
}

function validateImmutable<T extends ConfigMap | Secret>(
  object: T,
  old: T,
  fields: readonly (keyof T & string)[],
  errors: FieldErrors,
): void {
  if (old.immutable !== true) return;
  const detail = "field is immutable when `immutable` is set";
  if (object.immutable !== true) errors.forbidden("immutable", detail);
  for (const field of fields) {
    if (!equalJson(object[field] ?? {}, old[field] ?? {})) errors.forbidden(field, detail);
  }
}

/** Keys that a Secret of a type must hold. */
const SECRET_KEYS: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
};
const SERVICE_ACCOUNT_NAME = "kubernetes.io/service-account.name";

export function validateSecret(secret: Secret, errors: FieldErrors): void {
  const data = secret.data ?? {};
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    errors.all(`data[${key}]`, key, configKey(key));
    bytes += base64Length(value);
  }
  if (bytes > DATA_BYTES_MAX) errors.tooLong("data", DATA_BYTES_MAX);
  const type = secret.type ?? "";
  for (const key of Object.hasOwn(SECRET_KEYS, type) ? (SECRET_KEYS[type] ?? []) : []) {
    if (!Object.hasOwn(data, key)) errors.required(`data[${key}]`);
  }
  if (type === "kubernetes.io/service-account-token" && !secret.metadata?.annotations?.[SERVICE_ACCOUNT_NAME]) {
    errors.required(`metadata.annotations[${SERVICE_ACCOUNT_NAME}]`);
  }
  for (const key of [".dockercfg", ".dockerconfigjson"]) {
    const needed = Object.hasOwn(SECRET_KEYS, type) && SECRET_KEYS[type]?.includes(key) === true;
    const content = data[key];
    const problem = needed && content !== undefined ? jsonObjectProblem(atob(content)) : undefined;
    if (problem !== undefined) errors.invalid(`data[${key}]`, "<secret contents redacted>", problem);
  }
  const either = Object.hasOwn(data, "username") || Object.hasOwn(data, "password");
  if (type === "kubernetes.io/basic-auth" && !either) {
    errors.required("data[username]");
    errors.required("data[password]");
  }
}

/** Why a text is no JSON object, in the words of Go's decoder; never with the text itself, which is secret. */
function jsonObjectProblem(text: string): string | undefined {
  const start = text.trimStart().charAt(0);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && !Array.isArray(value)) return undefined;
    const kind = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
    return `json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`;
  } catch (error) {
    if (
      start === "" ||
      /Unexpected end|Unterminated|Expected property name or '}' in JSON at position 1 .*$/.test(String(error))
    )
      return "unexpected end of JSON input";
    if (!/[[{"\-\dtfn]/.test(start)) return `invalid character '${start}' looking for beginning of value`;
    return "invalid character in JSON";
  }
}

export function validateSecretUpdate(secret: Secret, old: Secret, errors: FieldErrors): void {
  immutable("type", secret.type, old.type, errors);
  validateImmutable(secret, old, ["data"], errors);
  validateSecret(secret, errors);
}

const EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

export function validateNode(node: Node, errors: FieldErrors): void {
  validateTaints(node.spec?.taints ?? [], errors);
  for (const list of ["capacity", "allocatable"] as const) {
    for (const [name, value] of Object.entries(node.status?.[list] ?? {})) {
      validateQuantity(`status.${list}.${name}`, value, errors);
    }
  }
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

export function validateNodeUpdate(node: Node, old: Node, errors: FieldErrors): void {
  validateNode(node, errors);
  if (old.spec?.podCIDR && node.spec?.podCIDR !== old.spec.podCIDR) {
    errors.forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid');
  }
  if (old.spec?.providerID && node.spec?.providerID !== old.spec.providerID) {
    errors.invalid("spec.providerID", null, "field cannot be modified once set");
  }
}

/** Source: `ValidateNamespace`. */
export function validateNamespace({ spec }: Namespace, errors: FieldErrors): void {
  for (const finalizer of spec?.finalizers ?? []) {
    errors.all("spec.finalizers", finalizer, qualifiedName(finalizer));
    if (finalizer.includes("/") || finalizer === "kubernetes") continue;
    const detail = "name is neither a standard finalizer name nor is it fully qualified";
    errors.invalid("spec.finalizers", finalizer, detail);
  }
}

export function validateLease({ spec }: Lease, errors: FieldErrors): void {
  const duration = spec?.leaseDurationSeconds;
  if (typeof duration === "number" && duration <= 0) {
    errors.invalid("spec.leaseDurationSeconds", duration, "must be greater than 0");
  }
  errors.notNegative("spec.leaseTransitions", spec?.leaseTransitions);
}
