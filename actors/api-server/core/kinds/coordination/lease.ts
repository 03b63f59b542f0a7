/** Leases. Source: Kubernetes `pkg/apis/coordination/validation`. */
import type { Lease } from "../../../../../protocols/kubernetes/types/coordination-v1.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import type { KindRules } from "../rules.ts";

export const leaseRules: KindRules = {
  validate,
  cells: (object: Lease, nowMs) => [nameOf(object), object.spec?.holderIdentity ?? "", ageOf(object, nowMs)],
};

function validate({ spec }: Lease, errors: FieldErrors): void {
  const duration = spec?.leaseDurationSeconds;
  if (typeof duration === "number" && duration <= 0) {
    errors.invalid("spec.leaseDurationSeconds", duration, "must be greater than 0");
  }
  errors.notNegative("spec.leaseTransitions", spec?.leaseTransitions);
}
