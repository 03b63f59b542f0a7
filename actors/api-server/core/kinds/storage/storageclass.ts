/** StorageClasses. Source: Kubernetes `pkg/apis/storage`. */
import type { TopologySelectorTerm } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { StorageClass } from "../../../../../protocols/kubernetes/types/storage-v1.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { setDefault } from "../../machinery/default-values.ts";
import { equalJson } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { qualifiedName } from "../../machinery/validation/names.ts";
import { deprecationOf } from "../core/pod-warnings.ts";
import type { KindRules } from "../rules.ts";
import { validateDriverOfClass, validateParameters } from "./parameters.ts";
import { repeatedAt } from "../../machinery/validation/repeated.ts";

export const storageClassRules: KindRules = {
  returnsDeletedObject: true,
  defaults: (object) => {
    setDefault(object, "reclaimPolicy", "Delete");
    setDefault(object, "volumeBindingMode", "Immediate");
  },
  validate,
  validateUpdate: (object: StorageClass, old: StorageClass, errors) => {
    validate(object, errors);
    for (const field of ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] as const) {
      // What it has become is not shown.
      if (!equalJson(object[field] ?? null, old[field] ?? null)) errors.invalid(field, null, "field is immutable");
    }
  },
  warnings,
  retold: warnings,
  cells,
};

function warnings({ allowedTopologies = [] }: StorageClass): readonly string[] {
  return allowedTopologies.flatMap(({ matchLabelExpressions = [] }, i) =>
    matchLabelExpressions.flatMap(({ key }, j) => {
      const message = deprecationOf(key);
      const at = `allowedTopologies[${i}].matchLabelExpressions[${j}].key`;
      return message === undefined ? [] : [`${at}: ${message}`];
    }),
  );
}

function validate(object: StorageClass, errors: FieldErrors): void {
  const { provisioner, parameters = {}, reclaimPolicy, volumeBindingMode, allowedTopologies = [] } = object;
  validateDriverOfClass("provisioner", provisioner, errors);
  validateParameters("parameters", parameters, errors);
  if (reclaimPolicy) errors.oneOf("reclaimPolicy", reclaimPolicy, ["Delete", "Retain"]);
  errors.oneOf("volumeBindingMode", volumeBindingMode, ["Immediate", "WaitForFirstConsumer"]);
  // As Kubernetes has it: a term that says nothing is the same as each one that has not been looked at.
  const known: unknown[] = allowedTopologies.map(() => ({}));
  for (const [i, term] of allowedTopologies.entries()) {
    const at = `allowedTopologies[${i}].matchLabelExpressions`;
    validateTerm(at, term, errors);
    const values = valuesOf(term);
    for (const other of known) if (equalJson(other, values)) errors.duplicate(at, "");
    known.push(values);
  }
}

function validateTerm(
  at: string,
  { matchLabelExpressions: terms = [] }: TopologySelectorTerm,
  errors: FieldErrors,
): void {
  const repeatedTerms = repeatedAt(terms.map((each) => each.key));
  for (const [i, { key, values = [] }] of terms.entries()) {
    const here = `${at}[${i}]`;
    if ((values ?? []).length === 0) errors.required(`${here}.values`);
    const repeatedValues = repeatedAt(values ?? []);
    for (const [j, value] of (values ?? []).entries()) {
      if (repeatedValues.has(j)) errors.duplicate(`${here}.values[${j}]`, value);
    }
    errors.all(`${here}.key`, key, qualifiedName(key));
    if (repeatedTerms.has(i)) errors.duplicate(`${here}.key`, key);
  }
}

/** By key, in order: terms that say the same are the same. */
function valuesOf({ matchLabelExpressions = [] }: TopologySelectorTerm): unknown {
  return Object.fromEntries(matchLabelExpressions.map(({ key, values }) => [key, [...new Set(values ?? [])].sort()]));
}

function cells(object: StorageClass, nowMs: number): readonly Cell[] {
  return [
    nameOf(object),
    object.provisioner,
    object.reclaimPolicy ?? "Delete",
    object.volumeBindingMode ?? "Immediate",
    object.allowVolumeExpansion ?? false,
    ageOf(object, nowMs),
  ];
}
