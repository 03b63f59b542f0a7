/** Rules that hold for the metadata of every object. Source: apimachinery `api/validation/objectmeta.go`. */
import type { ObjectMeta, OwnerReference } from "../../../../../protocols/kubernetes/types/meta-v1.ts";
import { equalJson } from "../json-value.ts";
import type { FieldErrors } from "./field-errors.ts";
import { labelValue, qualifiedName } from "./names.ts";

/** All annotations of an object together. */
const ANNOTATION_BYTES_MAX = 256 * 1024;

/** What is wrong with a name. */
export type NameRule = (name: string) => readonly string[];

/** Finalizers that need no domain of their own. */
const STANDARD_FINALIZERS: ReadonlySet<string> = new Set(["kubernetes", "orphan", "foregroundDeletion"]);

/** @param plainFinalizers whether a finalizer needs no domain */
export function validateObjectMeta(
  metadata: ObjectMeta,
  nameRule: NameRule,
  errors: FieldErrors,
  plainFinalizers: boolean = false,
): void {
  const { generateName, name } = metadata;
  // Six characters will follow, so a generateName may end in a hyphen.
  if (generateName) errors.all("metadata.generateName", generateName, nameRule(generateName.replace(/-$/, "a")));
  if (!name) errors.required("metadata.name", "name or generateName is required");
  else errors.all("metadata.name", name, nameRule(name));
  errors.notNegative("metadata.generation", metadata.generation);
  validateLabels("metadata.labels", metadata.labels, errors);
  validateAnnotations("metadata.annotations", metadata.annotations, errors);
  for (const [i, owner] of (metadata.ownerReferences ?? []).entries()) {
    validateOwner(`metadata.ownerReferences[${i}]`, owner, errors);
  }
  validateControllers(metadata.ownerReferences ?? [], errors);
  for (const finalizer of metadata.finalizers ?? []) {
    errors.all("metadata.finalizers", finalizer, qualifiedName(finalizer));
  }
  for (const [i, finalizer] of (metadata.finalizers ?? []).entries()) {
    if (plainFinalizers || finalizer.includes("/") || STANDARD_FINALIZERS.has(finalizer)) continue;
    const detail = "name is neither a standard finalizer name nor is it fully qualified";
    errors.invalid(`metadata.finalizers[${i}]`, finalizer, detail);
  }
}

export function validateLabels(
  field: string,
  labels: Readonly<Record<string, string>> | null | undefined,
  errors: FieldErrors,
): void {
  for (const [key, value] of Object.entries(labels ?? {})) {
    errors.all(field, key, qualifiedName(key));
    errors.all(field, value, labelValue(value));
  }
}

export function validateAnnotations(
  field: string,
  annotations: Readonly<Record<string, string>> | undefined,
  errors: FieldErrors,
): void {
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    bytes += key.length + value.length;
    errors.all(field, key, qualifiedName(key.toLowerCase()));
  }
  if (bytes > ANNOTATION_BYTES_MAX) errors.tooLong(field, ANNOTATION_BYTES_MAX);
}

function validateOwner(field: string, owner: OwnerReference, errors: FieldErrors): void {
  if (owner.apiVersion && owner.apiVersion.split("/").length > 2) {
    errors.invalid(`${field}.apiVersion`, owner.apiVersion, "must be <group>/<version> or <version>");
  }
  for (const key of ["apiVersion", "kind", "name", "uid"] as const) {
    if (!owner[key]) errors.required(`${field}.${key}`, "must not be empty");
  }
  if (owner.apiVersion === "v1" && owner.kind === "Event") {
    errors.invalid(field, owner, "/v1, Kind=Event is disallowed from being an owner");
  }
}

function validateControllers(owners: readonly OwnerReference[], errors: FieldErrors): void {
  const [first, second] = owners.filter((owner) => owner.controller === true);
  if (first === undefined || second === undefined) return;
  const detail = `Only one reference can have Controller set to true. Found "true" in references for ${first.kind}/${first.name} and ${second.kind}/${second.name}`;
  errors.invalid("metadata.ownerReferences", owners, detail);
}

const IMMUTABLE = ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp"] as const;

export function validateObjectMetaUpdate(metadata: ObjectMeta, old: ObjectMeta, errors: FieldErrors): void {
  if (old.deletionTimestamp !== undefined) {
    const known = new Set(old.finalizers);
    const added = (metadata.finalizers ?? []).filter((finalizer) => !known.has(finalizer));
    if (added.length > 0) {
      const detail = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((name) => JSON.stringify(name)).join(", ")}}`;
      errors.forbidden("metadata.finalizers", detail);
    }
  }
  for (const key of IMMUTABLE) {
    immutable(`metadata.${key}`, metadata[key], old[key], errors);
  }
  validateLabels("metadata.labels", metadata.labels, errors);
  validateAnnotations("metadata.annotations", metadata.annotations, errors);
  for (const [i, owner] of (metadata.ownerReferences ?? []).entries()) {
    validateOwner(`metadata.ownerReferences[${i}]`, owner, errors);
  }
  validateControllers(metadata.ownerReferences ?? [], errors);
}

export function immutable(field: string, value: unknown, old: unknown, errors: FieldErrors): void {
  if (!equalJson(value ?? null, old ?? null)) errors.invalid(field, value, "field is immutable");
}
