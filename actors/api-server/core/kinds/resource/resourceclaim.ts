/** ResourceClaims. Source: Kubernetes `pkg/apis/resource`, `pkg/registry/resource/resourceclaim`. */
import type { ResourceClaim } from "../../../../../protocols/kubernetes/types/resource-v1.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { member, objectIn, objectsIn } from "../../machinery/default-values.ts";
import { equalJson } from "../../machinery/json-value.ts";
import { METADATA_AND_SPEC } from "../../managed-fields/field-filter.ts";
import type { Fields, KindRules } from "../rules.ts";
import { refuseAdmin } from "./admin-access.ts";
import { defaultClaimSpec, defaultTolerations, validateClaimSpec, withoutDerived } from "./claim-spec.ts";
import { sharedDeviceOf, validateClaimStatus } from "./claim-status.ts";
import { inOrder } from "./device-errors.ts";

type Claim = Fields & ResourceClaim;

export const resourceClaimRules: KindRules = {
  resetFields: { status: METADATA_AND_SPEC },
  returnsDeletedObject: true,
  statusKeepsMetadata: true,
  defaults: (object) => {
    defaultClaimSpec(member(object, "spec"));
    const allocation = objectIn(objectIn(object, "status") ?? {}, "allocation") ?? {};
    for (const result of objectsIn(objectIn(allocation, "devices")?.["results"])) defaultTolerations(result);
  },
  prepareCreate: (object, admission) => {
    const claim = object as Claim;
    refuseAdmin("ResourceClaim", object, claim.spec, admission);
    return withSpec(claim, withoutDerived(claim.spec));
  },
  prepareUpdate: (object) => withSpec(object as Claim, withoutDerived((object as Claim).spec)),
  prepareStatusUpdate: (object, old) => withoutDeallocated(object as Claim, old as Claim),
  validate: (object: ResourceClaim, errors) =>
    inOrder(errors, (found) => validateClaimSpec("spec.devices", object.spec, found)),
  validateUpdate: (object: ResourceClaim, old: ResourceClaim, errors) => {
    if (!equalJson(object.spec, old.spec)) errors.invalid("spec", null, "field is immutable");
  },
  validateStatusUpdate: (object: ResourceClaim, old: ResourceClaim, errors) =>
    inOrder(errors, (found) => validateClaimStatus(object, old, found)),
  cells: (object: ResourceClaim, nowMs) => [nameOf(object), stateOf(object), ageOf(object, nowMs)],
};

function withSpec(object: Claim, spec: ResourceClaim["spec"]): Fields {
  return spec === object.spec ? object : { ...object, spec };
}

/** Devices that the claim no longer has have no status, and operations can't be skipped: the feature is off. */
function withoutDeallocated(object: Claim, old: Claim): Fields {
  const { status = {} } = object;
  const now = new Set((status.allocation?.devices?.results ?? []).map(sharedDeviceOf));
  const gone = new Set(
    (old.status?.allocation?.devices?.results ?? []).map(sharedDeviceOf).filter((device) => !now.has(device)),
  );
  const devices = (status.devices ?? []).filter((device) => !gone.has(sharedDeviceOf(device)));
  const { devices: _devices, ...rest } = status;
  return { ...object, status: devices.length === 0 ? rest : { ...rest, devices } };
}

/** Source: `printResourceClaim`. */
function stateOf({ metadata, status }: ResourceClaim): string {
  const states = [
    ...(metadata?.deletionTimestamp === undefined ? [] : ["deleted"]),
    ...(status?.allocation === undefined ? [] : ["allocated"]),
    ...((status?.reservedFor ?? []).length === 0 ? [] : ["reserved"]),
  ];
  return states.length === 0 ? "pending" : states.join(",");
}
