/** Rules of volumes. Those of storage that inkube can't mount are left to the field tables. Source: Kubernetes `validateVolumes`. */
import type { Volume } from "../../../../../protocols/kubernetes/core-v1.ts";
import { tryParseQuantity } from "../../../../../protocols/kubernetes/quantity.ts";
import type { JsonObject } from "../json-value.ts";
import { isJsonObject } from "../json-value.ts";
import { FILE_FIELDS, validateFieldRef, validateRelativePath } from "./container.ts";
import type { FieldErrors } from "./field-errors.ts";
import { configKey, dns1123Label } from "./names.ts";

/** Names of the volumes that are valid: others can't be mounted. */
export function validateVolumes(field: string, volumes: readonly Volume[], errors: FieldErrors): ReadonlySet<string> {
  const names = new Set<string>();
  const valid = new Set<string>();
  for (const [i, volume] of volumes.entries()) {
    const at = `${field}[${i}]`;
    const before = errors.causes.length;
    validateSource(at, volume as unknown as JsonObject, errors);
    const { name } = volume;
    if (!name) errors.required(`${at}.name`);
    else if (names.has(name)) errors.duplicate(`${at}.name`, name);
    else errors.all(`${at}.name`, name, dns1123Label(name));
    names.add(name);
    if (errors.causes.length === before) valid.add(name);
  }
  return valid;
}

type Check = (at: string, source: JsonObject, errors: FieldErrors) => void;

/** In the order in which Kubernetes looks at them; the first is the volume's type, any other is one too many. */
const SOURCES: Readonly<Record<string, Check>> = {
  emptyDir: (at, source, errors) => {
    const limit = source["sizeLimit"];
    const parsed = typeof limit === "string" ? tryParseQuantity(limit) : undefined;
    if (parsed !== undefined && parsed.nano < 0n) {
      errors.forbidden(`${at}.sizeLimit`, "SizeLimit field must be a valid resource quantity");
    }
  },
  hostPath: (at, source, errors) => {
    if (!source["path"]) errors.required(`${at}.path`);
    else if (textOf(source["path"]).split("/").includes("..")) {
      errors.invalid(`${at}.path`, source["path"], "must not contain '..'");
    }
  },
  secret: (at, source, errors) => {
    if (!source["secretName"]) errors.required(`${at}.secretName`);
    validateItems(at, source, errors);
  },
  configMap: (at, source, errors) => {
    if (!source["name"]) errors.required(`${at}.name`);
    validateItems(at, source, errors);
  },
  downwardAPI: validateDownwardApi,
  persistentVolumeClaim: (at, source, errors) => {
    if (!source["claimName"]) errors.required(`${at}.claimName`);
  },
  projected: (at, source, errors) => {
    validateMode(`${at}.defaultMode`, source["defaultMode"], errors);
    for (const [i, projection] of listOf(source["sources"]).entries()) {
      const here = `${at}.sources[${i}]`;
      const { configMap, secret, downwardAPI } = projection;
      for (const [kind, ref] of Object.entries({ configMap, secret })) {
        if (!isJsonObject(ref)) continue;
        if (!ref["name"]) errors.required(`${here}.${kind}.name`);
        validateItems(`${here}.${kind}`, ref, errors);
      }
      if (isJsonObject(downwardAPI)) validateDownwardApi(`${here}.downwardAPI`, downwardAPI, errors);
    }
  },
};

function validateSource(at: string, volume: JsonObject, errors: FieldErrors): void {
  const kinds = Object.keys(volume).filter((key) => key !== "name" && isJsonObject(volume[key]));
  const known = Object.keys(SOURCES).filter((kind) => kinds.includes(kind));
  const ordered = [...known, ...kinds.filter((kind) => !known.includes(kind))];
  for (const [i, kind] of ordered.entries()) {
    const source = volume[kind];
    if (i > 0) errors.forbidden(`${at}.${kind}`, "may not specify more than 1 volume type");
    else if (isJsonObject(source)) SOURCES[kind]?.(`${at}.${kind}`, source, errors);
  }
  if (kinds.length === 0) errors.required(at, "must specify a volume type");
}

function listOf(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function validateMode(field: string, mode: unknown, errors: FieldErrors): void {
  if (typeof mode === "number" && (mode < 0 || mode > 0o777)) {
    errors.invalid(field, mode, "must be a number between 0 and 0777 (octal), both inclusive");
  }
}

function validateItems(at: string, source: JsonObject, errors: FieldErrors): void {
  validateMode(`${at}.defaultMode`, source["defaultMode"], errors);
  for (const [i, { key, path, mode }] of listOf(source["items"]).entries()) {
    const here = `${at}.items[${i}]`;
    if (!key) errors.required(`${here}.key`);
    else errors.all(`${here}.key`, key, configKey(textOf(key)));
    if (!path) errors.required(`${here}.path`);
    else validateRelativePath(`${here}.path`, textOf(path), errors);
    validateMode(`${here}.mode`, mode, errors);
  }
}

function validateDownwardApi(at: string, source: JsonObject, errors: FieldErrors): void {
  validateMode(`${at}.defaultMode`, source["defaultMode"], errors);
  // Kubernetes leaves the index of the item out.
  const here = at;
  for (const item of listOf(source["items"])) {
    if (!item["path"]) errors.required(`${here}.path`);
    else validateRelativePath(`${here}.path`, textOf(item["path"]), errors);
    const { fieldRef, resourceFieldRef } = item;
    if (isJsonObject(fieldRef)) {
      validateFieldRef(`${here}.fieldRef.fieldPath`, textOf(fieldRef["fieldPath"]), FILE_FIELDS, errors);
    } else if (!isJsonObject(resourceFieldRef)) {
      errors.required(here, "one of fieldRef and resourceFieldRef is required");
    }
  }
}
