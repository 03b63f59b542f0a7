/** Rules of environment variables and of what they take their values from. Source: Kubernetes `ValidateEnv`, `ValidateEnvFrom`. */
import type {
  Container,
  EnvVar,
  EnvVarSource,
  ResourceFieldSelector,
} from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { parseQuantity } from "../../../../../protocols/kubernetes/quantity.ts";
import type { FieldErrors } from "./field-errors.ts";
import { configKey, dns1123Label, dns1123Subdomain, envVarName, qualifiedName } from "./names.ts";
import { validateNoBacksteps } from "./paths.ts";

/** What `fieldRef` can name, besides single labels and annotations. */
const ENV_FIELDS = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];
/** Whole maps can only be named in files. */
export const FILE_FIELDS: readonly string[] = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
];
const KNOWN_FIELDS: ReadonlySet<string> = new Set([...ENV_FIELDS, ...FILE_FIELDS]);
const SUBSCRIPTED = /^metadata\.(labels|annotations)\['(.*)'\]$/;
const ENV_RESOURCES = [
  "limits.cpu",
  "limits.ephemeral-storage",
  "limits.memory",
  "requests.cpu",
  "requests.ephemeral-storage",
  "requests.memory",
];

export function validateEnv(field: string, variables: readonly EnvVar[], errors: FieldErrors): void {
  for (const [i, variable] of variables.entries()) {
    const at = `${field}[${i}]`;
    if (!variable.name) errors.required(`${at}.name`);
    else errors.all(`${at}.name`, variable.name, envVarName(variable.name));
    if (!variable.valueFrom) continue;
    if (variable.value) errors.invalid(`${at}.valueFrom`, "", "may not be specified when `value` is not empty");
    else validateEnvSource(`${at}.valueFrom`, variable.valueFrom, errors);
  }
}

function validateEnvSource(at: string, source: EnvVarSource, errors: FieldErrors): void {
  const given = Object.values(source).filter((value) => value !== undefined && value !== null).length;
  if (given === 0) {
    const detail =
      "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
    errors.invalid(at, "", detail);
  } else if (given > 1) errors.invalid(at, "", "may not have more than one field specified at a time");
  if (source.fieldRef) validateFieldRef(`${at}.fieldRef`, source.fieldRef, ENV_FIELDS, errors);
  if (source.resourceFieldRef) {
    validateResourceFieldRef(`${at}.resourceFieldRef`, source.resourceFieldRef, false, errors);
  }
  if (source.fileKeyRef) {
    const { volumeName, path, key } = source.fileKeyRef;
    const here = `${at}.fileKeyRef`;
    if (!key) errors.required(`${here}.key`);
    else errors.all(`${here}.key`, key, envVarName(key));
    if (!volumeName) errors.required(`${here}.volumeName`);
    else errors.all(`${here}.volumeName`, volumeName, dns1123Label(volumeName));
    if (!path) errors.required(`${here}.path`);
    else validateNoBacksteps(`${here}.path`, path, errors);
  }
  for (const kind of ["configMapKeyRef", "secretKeyRef"] as const) {
    const ref = source[kind];
    if (!ref) continue;
    errors.all(`${at}.${kind}.name`, ref.name ?? "", dns1123Subdomain(ref.name ?? ""));
    if (!ref.key) errors.required(`${at}.${kind}.key`);
    else errors.all(`${at}.${kind}.key`, ref.key, configKey(ref.key));
  }
}

/** What a divisor can be: one unit of the resource, or a larger one. Source: `validateContainerResourceDivisor`. */
const DIVISORS: readonly (readonly [RegExp, readonly string[], string])[] = [
  [/^(limits|requests)\.cpu$/, ["1m", "1"], "only divisor's values 1m and 1 are supported with the cpu resource"],
  [
    /^(limits|requests)\.memory$/,
    ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"],
    "only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the memory resource",
  ],
  [
    /^(limits|requests)\.hugepages-/,
    ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"],
    "only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the hugepages resource",
  ],
  [
    /^(limits|requests)\.ephemeral-storage$/,
    ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"],
    "only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the local ephemeral storage resource",
  ],
];

/** @param inVolume a file says which container it means; a variable means its own */
export function validateResourceFieldRef(
  at: string,
  ref: ResourceFieldSelector,
  inVolume: boolean,
  errors: FieldErrors,
): void {
  const { resource, containerName, divisor } = ref;
  if (inVolume && !containerName) errors.required(`${at}.containerName`);
  else if (!resource) errors.required(`${at}.resource`);
  else if (!/^(limits|requests)\.hugepages-/.test(resource) && !ENV_RESOURCES.includes(resource)) {
    errors.oneOf(`${at}.resource`, resource, ENV_RESOURCES);
  }
  if (divisor === undefined || parseQuantity(divisor).nano === 0n) return;
  const rule = DIVISORS.find(([pattern]) => pattern.test(resource ?? ""));
  if (rule === undefined || rule[1].includes(divisor)) return;
  errors.invalid(`${at}.divisor`, resource, rule[2]);
}

/**
 * What the names of fields are for: variables or files. A name that is a field of pods, but not of this list, is
 * "unsupported", any other can't be converted.
 */
export function validateFieldRef(
  at: string,
  ref: { readonly apiVersion?: string; readonly fieldPath?: string },
  plain: readonly string[],
  errors: FieldErrors,
): void {
  const path = ref.fieldPath ?? "";
  if (!ref.apiVersion) return errors.required(`${at}.apiVersion`);
  const field = `${at}.fieldPath`;
  if (!path) return errors.required(field);
  if (ref.apiVersion !== "v1") {
    return errors.invalid(field, path, `error converting fieldPath: unsupported pod version: ${ref.apiVersion}`);
  }
  const subscript = SUBSCRIPTED.exec(path);
  if (subscript !== null) {
    const key = subscript[2] ?? "";
    return errors.all(field, key, qualifiedName(subscript[1] === "annotations" ? key.toLowerCase() : key));
  }
  if (KNOWN_FIELDS.has(path)) errors.oneOf(field, path, plain);
  else errors.invalid(field, path, `error converting fieldPath: field label not supported: ${path}`);
}

export function validateEnvFrom(field: string, sources: NonNullable<Container["envFrom"]>, errors: FieldErrors): void {
  for (const [i, source] of sources.entries()) {
    const at = `${field}[${i}]`;
    if (source.prefix) errors.all(`${at}.prefix`, source.prefix, envVarName(source.prefix));
    if (!source.configMapRef && !source.secretRef) {
      errors.invalid(field, "", "must specify one of: `configMapRef` or `secretRef`");
    } else if (source.configMapRef && source.secretRef) {
      errors.invalid(field, "", "may not have more than one field specified at a time");
    }
    for (const kind of ["configMapRef", "secretRef"] as const) {
      const ref = source[kind];
      if (!ref) continue;
      if (!ref.name) errors.required(`${at}.${kind}.name`);
      else errors.all(`${at}.${kind}.name`, ref.name, dns1123Subdomain(ref.name));
    }
  }
}
