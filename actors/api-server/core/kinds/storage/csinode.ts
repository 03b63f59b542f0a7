/** CSINodes. Their status is behind a gate that is shut by default. Source: Kubernetes `pkg/apis/storage`. */
import type { CSINode, CSINodeDriver } from "../../../../../protocols/kubernetes/types/storage-v1.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { equalJson } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { qualifiedName } from "../../machinery/validation/names.ts";
import { METADATA_AND_SPEC } from "../../managed-fields/field-filter.ts";
import type { KindRules } from "../rules.ts";
import { validateCsiDriverName } from "./parameters.ts";
import { repeatedAt } from "../../machinery/validation/repeated.ts";

export const csiNodeRules: KindRules = {
  resetFields: { status: METADATA_AND_SPEC },
  returnsDeletedObject: true,
  statusKeepsMetadata: true,
  validate,
  validateUpdate: (object: CSINode, old: CSINode, errors) => {
    validate(object, errors);
    const drivers = new Map((object.spec.drivers ?? []).toReversed().map((driver) => [driver.name, driver]));
    for (const before of old.spec.drivers ?? []) {
      const after = drivers.get(before.name);
      if (after === undefined || equalJson(identity(after), identity(before))) continue;
      const { name: Name, nodeID: NodeID, topologyKeys: TopologyKeys } = after;
      errors.invalid("spec.drivers", { Name, NodeID, TopologyKeys, Allocatable: null }, "field is immutable");
    }
  },
  // What a gate that is shut lets nobody write.
  prepareStatusUpdate: (_object, old) => old,
  cells: (object: CSINode, nowMs) => [nameOf(object), (object.spec.drivers ?? []).length, ageOf(object, nowMs)],
};

/** All but how much it takes, which may change. */
function identity({ allocatable: _allocatable, ...rest }: CSINodeDriver): unknown {
  return rest;
}

const NODE_ID_MAX = 256;

function validate({ spec }: CSINode, errors: FieldErrors): void {
  const drivers = spec.drivers ?? [];
  const repeatedDrivers = repeatedAt(drivers.map((each) => each.name));
  for (const [i, { name, nodeID, topologyKeys, allocatable }] of drivers.entries()) {
    const at = `spec.drivers[${i}]`;
    validateCsiDriverName(`${at}.name`, name, errors);
    if (!nodeID) errors.required(`${at}.nodeID`);
    else if (nodeID.length > NODE_ID_MAX) {
      errors.invalid(`${at}.nodeID`, nodeID, `must be ${NODE_ID_MAX} characters or less`);
    }
    errors.notNegative(`${at}.allocatable.count`, allocatable?.count);
    if (repeatedDrivers.has(i)) errors.duplicate(`${at}.name`, name);
    const keys = topologyKeys ?? [];
    const repeatedKeys = repeatedAt(keys);
    for (const [j, key] of keys.entries()) {
      if (key === "") errors.required(at);
      if (repeatedKeys.has(j)) errors.duplicate(at, key);
      errors.all(at, key, qualifiedName(key));
    }
  }
}
