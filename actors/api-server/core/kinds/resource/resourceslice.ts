/** ResourceSlices: what there is to claim. Source: Kubernetes `pkg/apis/resource`, `pkg/registry/resource/resourceslice`. */
import type {
  Device,
  DeviceAttribute,
  DeviceTaint,
  ResourceSlice,
} from "../../../../../protocols/kubernetes/types/resource-v1.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { objectIn, objectsIn, setDefault } from "../../machinery/default-values.ts";
import { formatTime } from "../../machinery/time.ts";
import type { Fields, KindRules } from "../rules.ts";
import { inOrder } from "./device-errors.ts";
import { validateSlice } from "./slice-validation.ts";

type Slice = Fields & ResourceSlice;

export const resourceSliceRules: KindRules = {
  returnsDeletedObject: true,
  defaults: (object, nowMs) => {
    if (nowMs === undefined) return;
    for (const device of objectsIn(objectIn(object, "spec")?.["devices"])) {
      for (const taint of objectsIn(device["taints"])) setDefault(taint, "timeAdded", formatTime(nowMs));
    }
  },
  prepareCreate: (object) => prepared(object as Slice, undefined),
  prepareUpdate: (object, old) => prepared(object as Slice, old as Slice),
  validate: (object: ResourceSlice, errors) => inOrder(errors, (found) => validateSlice(object, undefined, found)),
  validateUpdate: (object: ResourceSlice, old: ResourceSlice, errors) =>
    inOrder(errors, (found) => validateSlice(object, old, found)),
  warnings: ({ spec }: ResourceSlice) => {
    const { driver } = spec;
    if (driver === driver.toLowerCase()) return [];
    return [`spec.driver: driver names should be lowercase; ${JSON.stringify(driver)} contains uppercase characters`];
  },
  cells: (object: ResourceSlice, nowMs) => {
    const { nodeName, allNodes, nodeSelector, driver, pool } = object.spec;
    // Source: `printResourceSlice`.
    const node = nodeName ?? (allNodes === true ? "<all>" : nodeSelector === undefined ? "" : "<some>");
    return [nameOf(object), node, driver, pool.name, ageOf(object, nowMs)];
  },
};

/**
 * A taint that is sent without its time has the one that it had. What 1.37 knows, but takes only when a feature is switched on, is
 * left out.
 */
function prepared(object: Slice, old: Slice | undefined): Fields {
  const { spec } = object;
  if (spec === undefined) return object;
  const { partitionTypeAttribute: _partition, skipNodeOperations: _operations, ...rest } = spec;
  if (rest.devices === undefined || rest.devices === null) return { ...object, spec: rest };
  // Of several of one name the first.
  const before = new Map((old?.spec?.devices ?? []).toReversed().map((device) => [device.name, device]));
  const devices = rest.devices.map((device) => preparedDevice(device, before.get(device.name)));
  return { ...object, spec: { ...rest, devices } };
}

function taintKey({ key, effect }: DeviceTaint): string {
  return JSON.stringify([key, effect]);
}

function preparedDevice(device: Device, old: Device | undefined): Device {
  const { nodeAllocatableResources: _resources, taints, attributes, consumesCounters, ...rest } = device;
  const times = new Map((old?.taints ?? []).toReversed().map((taint) => [taintKey(taint), taint.timeAdded]));
  const timed = taints?.map((taint) => {
    const timeAdded = taint.timeAdded ?? times.get(taintKey(taint));
    return timeAdded === undefined ? taint : { ...taint, timeAdded };
  });
  const counters = consumesCounters?.map(({ compatibilityGroups: _groups, ...counter }) => counter);
  return {
    ...rest,
    ...(timed === undefined ? {} : { taints: timed }),
    ...(counters === undefined ? {} : { consumesCounters: counters }),
    ...(attributes === undefined ? {} : { attributes: withoutLists(attributes) }),
  };
}

function withoutLists(
  attributes: Readonly<Record<string, DeviceAttribute>>,
): Readonly<Record<string, DeviceAttribute>> {
  const single = ({ ints: _i, bools: _b, strings: _s, versions: _v, ...one }: DeviceAttribute): DeviceAttribute => one;
  return Object.fromEntries(Object.entries(attributes).map(([name, attribute]) => [name, single(attribute)]));
}
