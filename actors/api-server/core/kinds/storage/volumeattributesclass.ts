/** VolumeAttributesClasses. Source: Kubernetes `pkg/apis/storage`. */
import type { VolumeAttributesClass } from "../../../../../protocols/kubernetes/types/storage-v1.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { equalJson } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import type { KindRules } from "../rules.ts";
import { validateDriverOfClass, validateParameters } from "./parameters.ts";

export const volumeAttributesClassRules: KindRules = {
  returnsDeletedObject: true,
  validate,
  validateUpdate: (object: VolumeAttributesClass, old: VolumeAttributesClass, errors) => {
    if (object.driverName !== old.driverName) errors.forbidden("driverName", "updates to driverName are forbidden.");
    if (!equalJson(object.parameters ?? {}, old.parameters ?? {})) {
      errors.forbidden("parameters", "updates to parameters are forbidden.");
    }
    validate(object, errors);
  },
  cells: (object: VolumeAttributesClass, nowMs) => [nameOf(object), object.driverName, ageOf(object, nowMs)],
};

function validate({ driverName, parameters = {} }: VolumeAttributesClass, errors: FieldErrors): void {
  validateDriverOfClass("driverName", driverName, errors);
  validateParameters("parameters", parameters, errors);
  if (Object.keys(parameters).length === 0) errors.required("parameters", "must contain at least one key/value pair");
}
