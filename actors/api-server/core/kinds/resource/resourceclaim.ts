/** Claims of devices, their templates, and what they are claimed from: defaults and columns alone. Source: Kubernetes `pkg/apis/resource/v1/defaults.go`. */
import type { ResourceClaim, ResourceSlice } from "../../../../../protocols/kubernetes/types/resource-v1.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { member, objectIn, objectsIn, setDefault } from "../../machinery/default-values.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import { METADATA_AND_SPEC } from "../../managed-fields/field-filter.ts";
import type { KindRules } from "../rules.ts";

export const resourceClaimRules: KindRules = {
  resetFields: { status: METADATA_AND_SPEC },
  returnsDeletedObject: true,
  statusKeepsMetadata: true,
  defaults: (object) => defaultSpec(member(object, "spec")),
  cells: (object: ResourceClaim, nowMs) => [nameOf(object), stateOf(object), ageOf(object, nowMs)],
};

export const deviceClassRules: KindRules = { returnsDeletedObject: true };

export const resourceSliceRules: KindRules = {
  returnsDeletedObject: true,
  cells: (object: ResourceSlice, nowMs) => {
    const { nodeName, allNodes, nodeSelector, driver, pool } = object.spec;
    // Source: `printResourceSlice`.
    const node = nodeName ?? (allNodes === true ? "<all>" : nodeSelector === undefined ? "" : "<some>");
    return [nameOf(object), node, driver, pool.name, ageOf(object, nowMs)];
  },
};

export const resourceClaimTemplateRules: KindRules = {
  returnsDeletedObject: true,
  defaults: (object) => defaultSpec(member(member(object, "spec"), "spec")),
};

/** Source: `printResourceClaim`. */
function stateOf({ metadata, status }: ResourceClaim): string {
  const states = [
    ...(metadata?.deletionTimestamp === undefined ? [] : ["deleted"]),
    ...(status?.allocation === undefined ? [] : ["allocated"]),
    ...((status?.reservedFor ?? []).length === 0 ? [] : ["reserved"]),
  ];
  return states.length === 0 ? "pending" : states.join(",");
}

function defaultSpec(spec: JsonObject): void {
  for (const request of objectsIn(objectIn(spec, "devices")?.["requests"])) {
    const exactly = objectIn(request, "exactly");
    if (exactly !== undefined) defaultCount(exactly);
    for (const choice of objectsIn(request["firstAvailable"])) defaultCount(choice);
  }
}

function defaultCount(request: JsonObject): void {
  setDefault(request, "allocationMode", "ExactCount", "");
  if (request["allocationMode"] === "ExactCount") setDefault(request, "count", 1, 0);
}
