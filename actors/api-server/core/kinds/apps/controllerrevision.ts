/** ControllerRevisions: what a StatefulSet or DaemonSet was. Source: Kubernetes `pkg/apis/apps/validation`. */
import type { ControllerRevision } from "../../../../../protocols/kubernetes/types/apps-v1.ts";
import { ageOf, nameOf, ownerText } from "../../machinery/cells.ts";
import { isJsonObject } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { immutable, validateObjectMeta } from "../../machinery/validation/object-meta.ts";
import { dns1123Subdomain } from "../../machinery/validation/names.ts";
import type { KindRules } from "../rules.ts";

export const controllerRevisionRules: KindRules = {
  validate: (object: ControllerRevision, errors) => {
    errors.notNegative("revision", object.revision);
    validateData(object.data, errors);
  },
  validateUpdate: (object: ControllerRevision, old: ControllerRevision, errors) => {
    validateObjectMeta(object.metadata ?? {}, dns1123Subdomain, errors);
    errors.notNegative("revision", object.revision);
    immutable("data", object.data, old.data, errors);
  },
  cells: (object: ControllerRevision, nowMs) => [
    nameOf(object),
    ownerText(object),
    object.revision ?? 0,
    ageOf(object, nowMs),
  ],
};

function validateData(data: unknown, errors: FieldErrors): void {
  if (data === undefined || data === null) errors.required("data", "data is mandatory");
  else if (!isJsonObject(data)) errors.required("data", "data must be a valid JSON object");
}
