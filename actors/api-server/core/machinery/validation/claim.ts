/** Rules of claims for storage, be they objects or templates of them. Source: Kubernetes `ValidatePersistentVolumeClaimSpec`. */
import { tryParseQuantity } from "../../../../../protocols/kubernetes/quantity.ts";
import type { JsonObject } from "../json-value.ts";
import { equalJson, isJsonObject, textOf } from "../json-value.ts";
import type { FieldErrors } from "./field-errors.ts";
import { validateLabelSelector } from "./label-selector.ts";
import { dns1123Label, dns1123Subdomain } from "./names.ts";

const ACCESS_MODES = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
export const VOLUME_MODES: readonly string[] = ["Block", "Filesystem"];

export function validateAccessModes(field: string, modes: readonly unknown[], errors: FieldErrors): void {
  for (const mode of modes) errors.oneOf(field, mode, ACCESS_MODES);
  const others = modes.some((mode) => mode !== "ReadWriteOncePod" && ACCESS_MODES.includes(textOf(mode)));
  if (!others || !modes.includes("ReadWriteOncePod")) return;
  errors.forbidden(field, "may not use ReadWriteOncePod with other access modes");
}

export interface ClaimChecks {
  /** What was there before had an apiGroup, which is not looked at again. */
  readonly anyApiGroup?: boolean;
}

export function validateClaimSpec(at: string, spec: JsonObject, errors: FieldErrors, checks: ClaimChecks = {}): void {
  const { dataSource, dataSourceRef } = spec;
  const modes: readonly unknown[] = Array.isArray(spec["accessModes"]) ? spec["accessModes"] : [];
  if (modes.length === 0) errors.required(`${at}.accessModes`, "at least 1 access mode is required");
  if (isJsonObject(spec["selector"])) validateLabelSelector(`${at}.selector`, spec["selector"], errors);
  validateAccessModes(`${at}.accessModes`, modes, errors);
  validateStorage(`${at}.resources[storage]`, spec, errors);
  validateClassName(`${at}.storageClassName`, spec["storageClassName"], errors);
  errors.oneOf(`${at}.volumeMode`, spec["volumeMode"], VOLUME_MODES);
  for (const [name, source] of Object.entries({ dataSource, dataSourceRef })) {
    if (isJsonObject(source)) validateDataSource(`${at}.${name}`, source, checks, errors);
  }
  if (isJsonObject(dataSource) && isJsonObject(dataSourceRef)) {
    if (textOf(dataSourceRef["namespace"]) !== "") {
      errors.invalid(at, {}, "may not be specified when dataSourceRef.namespace is specified");
    } else if (!sameSource(dataSource, dataSourceRef)) errors.invalid(at, {}, "must match dataSourceRef");
  }
  validateClassName(`${at}.volumeAttributesClassName`, spec["volumeAttributesClassName"], errors);
}

function validateStorage(field: string, { resources }: JsonObject, errors: FieldErrors): void {
  const requests = isJsonObject(resources) ? resources["requests"] : undefined;
  const storage = isJsonObject(requests) ? requests["storage"] : undefined;
  if (typeof storage !== "string") errors.required(field);
  else if ((tryParseQuantity(storage)?.nano ?? 1n) <= 0n) errors.invalid(field, storage, "must be greater than zero");
}

function validateClassName(field: string, value: unknown, errors: FieldErrors): void {
  const name = textOf(value);
  if (name !== "") errors.all(field, name, dns1123Subdomain(name));
}

function validateDataSource(at: string, source: JsonObject, { anyApiGroup }: ClaimChecks, errors: FieldErrors): void {
  const [kind, group, namespace] = [textOf(source["kind"]), textOf(source["apiGroup"]), textOf(source["namespace"])];
  if (!source["name"]) errors.required(`${at}.name`);
  if (kind === "") errors.required(`${at}.kind`);
  if (group === "" && kind !== "PersistentVolumeClaim") {
    errors.invalid(at, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
  }
  if (group !== "" && anyApiGroup !== true) errors.all(`${at}.apiGroup`, group, dns1123Subdomain(group));
  if (namespace !== "") errors.all(`${at}.namespace`, namespace, dns1123Label(namespace));
}

function sameSource(a: JsonObject, b: JsonObject): boolean {
  return ["apiGroup", "kind", "name"].every((name) => equalJson(a[name] ?? null, b[name] ?? null));
}
