/** ServiceCIDRs. Source: Kubernetes `pkg/apis/networking`. */
import type { ServiceCIDR } from "../../../../../protocols/kubernetes/types/networking-v1.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { canonicalRange, parseIpRange } from "../../machinery/validation/ip.ts";
import { immutable } from "../../machinery/validation/object-meta.ts";
import { METADATA_AND_SPEC } from "../../managed-fields/field-filter.ts";
import type { KindRules } from "../rules.ts";

const AT = "spec.cidrs";

export const serviceCidrRules: KindRules = {
  resetFields: { status: METADATA_AND_SPEC },
  statusKeepsMetadata: true,
  validate: ({ spec }: ServiceCIDR, errors) => validateRanges(spec?.cidrs ?? [], errors),
  validateUpdate,
  cells: (object: ServiceCIDR, nowMs) => [nameOf(object), (object.spec?.cidrs ?? []).join(","), ageOf(object, nowMs)],
};

function validateRanges(cidrs: readonly string[], errors: FieldErrors): void {
  if (cidrs.length === 0) return errors.required(AT, "at least one CIDR required");
  if (cidrs.length > 2) return errors.invalid(AT, { CIDRs: cidrs }, "may only hold up to 2 values");
  for (const [i, cidr] of cidrs.entries()) errors.all(`${AT}[${i}]`, cidr, canonicalRange(cidr));
  const [first, second] = cidrs.map((cidr) => parseIpRange(cidr)?.ip.bits);
  if (first === undefined || first !== second) return;
  const detail = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
  errors.invalid(AT, cidrs, detail);
}

/** One range may get another of the other family at its side. */
function validateUpdate({ spec }: ServiceCIDR, { spec: before }: ServiceCIDR, errors: FieldErrors): void {
  const cidrs = spec?.cidrs ?? [];
  const old = before?.cidrs ?? [];
  if (old.length === cidrs.length) {
    for (const [i, cidr] of cidrs.entries()) immutable(`${AT}[${i}]`, cidr, old[i], errors);
  } else if (old.length === 1 && cidrs.length === 2) {
    immutable(`${AT}[0]`, cidrs[0], old[0], errors);
    validateRanges(cidrs, errors);
  } else errors.invalid(AT, cidrs.length === 0 ? null : cidrs, "field is immutable");
}
