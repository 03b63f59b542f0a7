/** CSIStorageCapacities. Source: Kubernetes `pkg/apis/storage`. */
import type { CSIStorageCapacity } from "../../../../../protocols/kubernetes/types/storage-v1.ts";
import { nameOf } from "../../machinery/cells.ts";
import { equalJson } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { validateLabelSelector } from "../../machinery/validation/label-selector.ts";
import { dns1123Subdomain } from "../../machinery/validation/names.ts";
import { validateQuantity } from "../../machinery/validation/resources.ts";
import { deprecationOf, termWarnings } from "../core/pod-warnings.ts";
import type { KindRules } from "../rules.ts";

export const csiStorageCapacityRules: KindRules = {
  validate,
  validateUpdate: (object: CSIStorageCapacity, old: CSIStorageCapacity, errors) => {
    validate(object, errors);
    const { nodeTopology, storageClassName } = object;
    if (!equalJson(nodeTopology ?? null, old.nodeTopology ?? null)) {
      errors.invalid("nodeTopology", nodeTopology ?? null, "field is immutable");
    }
    if (storageClassName !== old.storageClassName) {
      errors.invalid("storageClassName", storageClassName, "field is immutable");
    }
  },
  warnings,
  retold: warnings,
  cells: (object: CSIStorageCapacity) => [nameOf(object), object.metadata?.creationTimestamp ?? ""],
};

function warnings({ nodeTopology = {} }: CSIStorageCapacity): readonly string[] {
  return [
    ...termWarnings("nodeTopology", nodeTopology),
    ...Object.keys(nodeTopology.matchLabels ?? {}).flatMap((label) => {
      const message = deprecationOf(label);
      return message === undefined ? [] : [`nodeTopology.matchLabels.${label}: ${message}`];
    }),
  ];
}

function validate({ nodeTopology, storageClassName, capacity }: CSIStorageCapacity, errors: FieldErrors): void {
  if (nodeTopology) validateLabelSelector("nodeTopology", nodeTopology, errors);
  errors.all("storageClassName", storageClassName, dns1123Subdomain(storageClassName));
  if (capacity !== undefined) validateQuantity("capacity", capacity, errors);
}
