/** Leases. Source: Kubernetes `pkg/apis/coordination/validation`. */
import type { Lease } from "../../../../../protocols/kubernetes/types/coordination-v1.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import type { Fields, KindRules } from "../rules.ts";

export const leaseRules: KindRules = {
  plainFinalizers: true,
  prepareCreate: (object) => withoutElection(object, undefined),
  prepareUpdate: withoutElection,
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

/** Elections that the API server itself holds are behind a gate that is shut by default: fields of theirs are dropped. */
function withoutElection(object: Fields, old: Fields | undefined): Fields {
  const before = (old as Lease | undefined)?.spec;
  if (before?.strategy !== undefined || before?.preferredHolder !== undefined) return object;
  const { spec } = object as Lease;
  if (spec?.strategy === undefined && spec?.preferredHolder === undefined) return object;
  const { strategy: _strategy, preferredHolder: _holder, ...rest } = spec;
  return { ...object, spec: rest };
}
