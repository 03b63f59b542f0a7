/**
 * Whether a CustomResourceDefinition may be stored. What all versions have in common is named as if it stood once in the spec: so does
 * Kubernetes, whose first versions of the kind had it there.
 * Source: apiextensions-apiserver `apis/apiextensions/validation/validation.go`.
 */
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
  JSONSchemaProps,
} from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { Steps } from "../steps.ts";
import { Pace } from "../steps.ts";
import { equalJson } from "../machinery/json-value.ts";
import type { FieldErrors } from "../machinery/validation/field-errors.ts";
import { dns1123Subdomain } from "../machinery/validation/names.ts";
import { immutable } from "../machinery/validation/object-meta.ts";
import { hasBadBundle, validateConversion } from "./conversion.ts";
import { validateVersionSchema } from "./definition-schema.ts";
import { isRequestUri } from "./formats.ts";
import { dns1035Label } from "./names.ts";
import type { Schema } from "./schema.ts";
import { parseSchema } from "./schema.ts";
import { schemasIn } from "./schema-walk.ts";
import { validateColumns, validateSelectableFields, validateSubresources } from "./definition-views.ts";
import { unsupportedIn } from "./structural.ts";

export function* validateDefinition(crd: CustomResourceDefinition, errors: FieldErrors): Steps<void> {
  const { metadata = {}, spec } = crd;
  const name = metadata.name ?? "";
  // That there is none is told elsewhere.
  if (name !== "") errors.all("metadata.name", name, dns1123Subdomain(name));
  if (name !== "" && name !== `${spec.names.plural}.${spec.group}`) {
    errors.invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group');
  }
  yield* validateSpec(spec, undefined, errors);
  validateStatus(crd, errors);
  validateApproval(crd, undefined, errors);
}

export function* validateDefinitionUpdate(
  crd: CustomResourceDefinition,
  old: CustomResourceDefinition,
  errors: FieldErrors,
): Steps<void> {
  const { spec } = crd;
  yield* validateSpec(spec, old, errors);
  if (isEstablished(old)) {
    immutable("spec.scope", spec.scope, old.spec.scope, errors);
    immutable("spec.names.kind", spec.names.kind, old.spec.names.kind, errors);
  }
  immutable("spec.group", spec.group, old.spec.group, errors);
  immutable("spec.names.plural", spec.names.plural, old.spec.names.plural, errors);
  validateStatus(crd, errors);
  validateApproval(crd, old, errors);
}

export function validateDefinitionStatus(
  crd: CustomResourceDefinition,
  _old: CustomResourceDefinition,
  errors: FieldErrors,
): void {
  if (crd.status?.acceptedNames !== undefined) {
    validateNames(crd.status.acceptedNames, "status.acceptedNames", errors);
  }
}

function isEstablished({ status }: CustomResourceDefinition): boolean {
  return status?.conditions?.some((one) => one.type === "Established" && one.status === "True") === true;
}

/** @param old of an update */
function* validateSpec(
  spec: CustomResourceDefinitionSpec,
  old: CustomResourceDefinition | undefined,
  errors: FieldErrors,
): Steps<void> {
  const versions = spec.versions ?? [];
  validateGroup(spec.group, errors);
  if (!spec.scope) errors.required("spec.scope");
  else errors.oneOf("spec.scope", spec.scope, ["Cluster", "Namespaced"]);
  for (const [i, { schema }] of versions.entries()) {
    if (schema?.openAPIV3Schema === undefined) errors.required(`spec.versions[${i}].schema.openAPIV3Schema`);
  }
  yield* new Versions(versions, old).validate(errors);
  const { names } = spec;
  for (const field of ["plural", "singular", "kind", "listKind"] as const) {
    if (!names[field]) errors.required(`spec.names.${field}`);
  }
  validateNames(names, "spec.names", errors);
  const mayBeInvalid = old === undefined || !isEstablished(old) || hasBadBundle(old.spec.conversion);
  if (spec.conversion !== undefined) validateConversion(spec.conversion, mayBeInvalid, errors);
  if (spec.preserveUnknownFields === true) {
    const path = "spec.preserveUnknownFields";
    if (yield* hasDefaults(versions))
      errors.invalid(path, true, "must be false in order to use defaults in the schema");
    const detail =
      "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
    errors.invalid(path, true, detail);
  }
}

function* hasDefaults(versions: readonly CustomResourceDefinitionVersion[]): Steps<boolean> {
  const pace = new Pace();
  for (const { schema } of versions) {
    for (const one of schemasIn(schema?.openAPIV3Schema)) {
      if ((one.default ?? undefined) !== undefined) return true;
      if (pace.isDue()) yield;
    }
  }
  return false;
}

function validateGroup(group: string, errors: FieldErrors): void {
  const problems = group ? dns1123Subdomain(group) : [];
  if (!group) errors.required("spec.group");
  else if (problems.length > 0) errors.invalid("spec.group", group, problems.join(","));
  else if (!group.includes(".")) errors.invalid("spec.group", group, "should be a domain with at least one dot");
}

type Common = "schema" | "subresources" | "additionalPrinterColumns" | "selectableFields";

/** Where what belongs to a version is named. */
const PLACES: Readonly<Record<Common, string>> = {
  schema: "spec.validation",
  subresources: "spec.subresources",
  additionalPrinterColumns: "spec.additionalPrinterColumns",
  selectableFields: "spec.selectableFields",
};

/** The versions of a definition, and what they were before. */
class Versions {
  readonly #versions: readonly CustomResourceDefinitionVersion[];
  readonly #old: ReadonlyMap<string, CustomResourceDefinitionVersion>;
  readonly #schemas = new Map<JSONSchemaProps, Schema>();

  constructor(versions: readonly CustomResourceDefinitionVersion[], old: CustomResourceDefinition | undefined) {
    this.#versions = versions;
    this.#old = new Map(old?.spec.versions.map((version) => [version.name, version]));
  }

  *validate(errors: FieldErrors): Steps<void> {
    const versions = this.#versions;
    checkVersionNames(versions, errors);
    yield* this.#checkSchemas(errors);
    for (const [{ subresources }, path] of this.#places("subresources")) {
      validateSubresources(subresources, path, errors);
    }
    for (const [{ additionalPrinterColumns = [] }, path] of this.#places("additionalPrinterColumns")) {
      validateColumns(additionalPrinterColumns, path, errors);
    }
    yield* this.#checkSelectableFields(errors);
    if (new Set(versions.map(({ name }) => name)).size < versions.length) {
      errors.invalid("spec.versions", versions, "must contain unique version names");
    }
    if (versions.filter(({ storage }) => storage).length !== 1) {
      const shown = versions.length === 0 ? null : versions;
      errors.invalid("spec.versions", shown, "must have exactly one version marked as storage version");
    }
  }

  /** What is to be looked at, and where it is named. */
  #places(field: Common): readonly (readonly [CustomResourceDefinitionVersion, string])[] {
    const [first, ...others] = this.#versions;
    if (first === undefined) return [];
    const isCommon = others.every((version) => equalJson(version[field], first[field]));
    return isCommon
      ? [[first, PLACES[field]]]
      : this.#versions.map((version, i) => [version, `spec.versions[${i}].${field}`]);
  }

  *#checkSchemas(errors: FieldErrors): Steps<void> {
    const places = this.#places("schema");
    const isCommon = places.length < this.#versions.length;
    for (const [version, path] of places) {
      yield;
      const schema = version.schema?.openAPIV3Schema;
      if (schema === undefined) continue;
      const hasStatus = isCommon
        ? this.#versions.some(({ subresources }) => subresources?.status !== undefined)
        : version.subresources?.status !== undefined;
      const before = this.#old.get(version.name)?.schema?.openAPIV3Schema;
      const unchanged = before !== undefined && equalJson(before, schema);
      yield* validateVersionSchema(schema, this.#read(schema), { path, hasStatus, unchanged }, errors);
    }
  }

  *#checkSelectableFields(errors: FieldErrors): Steps<void> {
    for (const [{ selectableFields = [], schema, name }, path] of this.#places("selectableFields")) {
      const props = schema?.openAPIV3Schema;
      if (selectableFields.length === 0 || props === undefined) continue;
      if ((yield* unsupportedIn(props, new Pace())) !== undefined) continue;
      const before = this.#old.get(name)?.selectableFields;
      const unchanged = before !== undefined && equalJson(before, selectableFields);
      validateSelectableFields(selectableFields, this.#read(props), path, unchanged, errors);
    }
  }

  #read(props: JSONSchemaProps): Schema {
    let schema = this.#schemas.get(props);
    if (schema === undefined) this.#schemas.set(props, (schema = parseSchema(props)));
    return schema;
  }
}

function checkVersionNames(versions: readonly CustomResourceDefinitionVersion[], errors: FieldErrors): void {
  for (const [i, { name, deprecated, deprecationWarning }] of versions.entries()) {
    const problems = dns1035Label(name);
    if (problems.length > 0) errors.invalid(`spec.versions[${i}].name`, name, problems.join(","));
    if (problems.length > 0 && i === 0) errors.invalid("spec.version", name, problems.join(","));
    for (const problem of deprecationProblems(deprecated === true, deprecationWarning)) {
      errors.invalid(`spec.versions[${i}].deprecationWarning`, deprecationWarning, problem);
    }
  }
}

function deprecationProblems(deprecated: boolean, warning: string | undefined): readonly string[] {
  if (warning === undefined) return [];
  if (!deprecated) return ["can only be set for deprecated versions"];
  const problems: string[] = [];
  if (warning.length > 256) problems.push("must be <= 256 characters long");
  if (warning === "") problems.push("must not be an empty string");
  const bad = /[^\P{C}]|[\u2028\u2029]/u.exec(warning)?.index;
  if (bad !== undefined) {
    problems.push(`must only contain printable UTF-8 characters; non-printable character found at index ${bad}`);
  }
  return problems;
}

function validateNames(names: CustomResourceDefinitionNames, path: string, errors: FieldErrors): void {
  const check = (field: string, name: string | undefined, mixed: boolean): void => {
    const problems = name ? dns1035Label(mixed ? name.toLowerCase() : name) : [];
    const words = mixed ? "may have mixed case, but should otherwise match: " : "";
    if (problems.length > 0) errors.invalid(`${path}.${field}`, name, `${words}${problems.join(",")}`);
  };
  check("plural", names.plural, false);
  check("singular", names.singular, false);
  check("kind", names.kind, true);
  check("listKind", names.listKind, true);
  for (const [i, name] of (names.shortNames ?? []).entries()) {
    errors.all(`${path}.shortNames[${i}]`, name, joined(dns1035Label(name)));
  }
  if (names.kind && names.kind === names.listKind) {
    errors.invalid(`${path}.listKind`, names.listKind, "kind and listKind may not be the same");
  }
  for (const [i, name] of (names.categories ?? []).entries()) {
    errors.all(`${path}.categories[${i}]`, name, joined(dns1035Label(name)));
  }
}

function joined(problems: readonly string[]): readonly string[] {
  return problems.length === 0 ? [] : [problems.join(",")];
}

function validateStatus({ spec, status }: CustomResourceDefinition, errors: FieldErrors): void {
  if (status?.acceptedNames !== undefined) validateNames(status.acceptedNames, "status.acceptedNames", errors);
  const stored = status?.storedVersions ?? [];
  const path = "status.storedVersions";
  if (stored.length === 0) {
    errors.invalid(path, null, "must have at least one stored version");
    return;
  }
  const versions = spec.versions ?? [];
  for (const { name, storage } of versions) {
    if (storage && !stored.includes(name)) errors.invalid(path, stored, `must have the storage version ${name}`);
  }
  for (const [i, name] of stored.entries()) {
    if (versions.some((version) => version.name === name)) continue;
    const detail = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
    errors.invalid(`${path}[${i}]`, name, detail);
  }
}

const APPROVED = "api-approved.kubernetes.io";

/** Groups that belong to the Kubernetes community need its approval. */
function validateApproval(
  { metadata, spec }: CustomResourceDefinition,
  old: CustomResourceDefinition | undefined,
  errors: FieldErrors,
): void {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(spec.group ?? "")) return;
  const annotation = metadata?.annotations?.[APPROVED] ?? "";
  const state = approvalOf(annotation);
  if (old !== undefined && approvalOf(old.metadata?.annotations?.[APPROVED] ?? "") === state) return;
  const field = `metadata.annotations[${APPROVED}]`;
  const words = `protected groups must have approval annotation "${APPROVED}"`;
  const see = "see https://github.com/kubernetes/enhancements/pull/1111";
  if (state === "missing") errors.required(field, `${words}, ${see}`);
  if (state === "invalid") {
    errors.invalid(field, annotation, `${words} with either a URL or a reason starting with "unapproved", ${see}`);
  }
}

function approvalOf(annotation: string): "missing" | "bypassed" | "approved" | "invalid" {
  if (annotation === "") return "missing";
  if (annotation.startsWith("unapproved")) return "bypassed";
  return /^[a-z][a-z0-9+.-]*:\/\/[^/]/i.test(annotation) && isRequestUri(annotation) ? "approved" : "invalid";
}
