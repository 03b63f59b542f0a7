/** What was found for a claim, who uses it, and how its devices are. Source: Kubernetes `pkg/apis/resource/validation`. */
import type {
  AllocatedDeviceStatus,
  AllocationResult,
  DeviceRequestAllocationResult,
  NetworkDeviceData,
  ResourceClaim,
  ResourceClaimConsumerReference,
} from "../../../../../protocols/kubernetes/types/resource-v1.ts";
import { equalJson, keysInOrder } from "../../machinery/json-value.ts";
import { validateConditions } from "../../machinery/validation/conditions.ts";
import { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { parseIpRange } from "../../machinery/validation/ip.ts";
import { validateNodeSelector } from "../../machinery/validation/scheduling.ts";
import { validateBindingConditions } from "./binding-conditions.ts";
import { ADMIN_REFUSAL, RequestNames, adminRequestIn } from "./claim-spec.ts";
import { validateConfiguration, validateRaw } from "./device-configuration.ts";
import type { DeviceErrors } from "./device-errors.ts";
import { validateUnique } from "./device-errors.ts";
import {
  validateDeclaredDriver,
  validateDeclaredPool,
  validateDriver,
  validateLabelName,
  validatePool,
  validateShareId,
} from "./device-names.ts";
import { validateTolerations } from "./device-taints.ts";

const CONSUMERS_MAX = 256;
const RESULTS_MAX = 32;
const CONFIGURATIONS_MAX = 64;
const CONDITIONS_MAX = 8;
const DATA_BYTES_MAX = 10 * 1024;

type Shared = Pick<DeviceRequestAllocationResult, "device" | "driver" | "pool" | "shareID">;

export function sharedDeviceOf({ driver, pool, device, shareID }: Shared): string {
  return [driver, pool, device, shareID ?? ""].join("/");
}

export function validateClaimStatus(object: ResourceClaim, old: ResourceClaim, errors: DeviceErrors): void {
  const { byHand, declared } = errors;
  const { status = {}, metadata, spec } = object;
  const { allocation } = status;
  const before = old.status ?? {};
  const [consumers, devices, results] = [
    status.reservedFor ?? [],
    status.devices ?? [],
    allocation?.devices?.results ?? [],
  ];
  validateAdmin(results, before.allocation, object, byHand);
  // The allocation stands before them in the object.
  const ofDevices: DeviceErrors = { byHand, declared: new FieldErrors() };
  if (validateUnique("status.reservedFor", consumers, CONSUMERS_MAX, ({ uid }) => uid, ofDevices.declared)) {
    for (const [i, consumer] of consumers.entries()) validateConsumer(`status.reservedFor[${i}]`, consumer, byHand);
  }
  validateUnique("status.devices", devices, Infinity, sharedDeviceOf, ofDevices.declared);
  const allocated = new Set(results.map(sharedDeviceOf));
  for (const [i, device] of devices.entries()) validateDevice(`status.devices[${i}]`, device, allocated, ofDevices);
  if (consumers.length > 0 && !allocation) {
    byHand.forbidden("status.reservedFor", "may not be specified when `allocated` is not set");
  } else if (consumers.length > 0 && metadata?.deletionTimestamp !== undefined) {
    const known = new Set((before.reservedFor ?? []).map(textOf));
    if (!consumers.every((consumer) => known.has(textOf(consumer)))) {
      const detail = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set";
      byHand.forbidden("status.reservedFor", detail);
    }
  }
  if (allocation && before.allocation) {
    if (!equalJson(allocation, before.allocation)) {
      declared.invalid("status.allocation", null, "field cannot be modified once set");
    }
  } else if (allocation) {
    validateAllocation("status.allocation", allocation, new RequestNames(spec?.devices ?? {}), errors);
  }
  declared.causes.push(...ofDevices.declared.causes);
}

/** Whoever asked for it in the claim was let, or refused, when the claim was made. */
function validateAdmin(
  results: readonly DeviceRequestAllocationResult[],
  before: AllocationResult | undefined,
  { spec }: ResourceClaim,
  errors: FieldErrors,
): void {
  const i = results.findIndex(({ adminAccess }) => adminAccess === true);
  if (i < 0 || adminRequestIn(spec) >= 0) return;
  if ((before?.devices?.results ?? []).some(({ adminAccess }) => adminAccess === true)) return;
  errors.forbidden(`status.allocation.devices.results[${i}].adminAccess`, ADMIN_REFUSAL);
}

function validateConsumer(at: string, consumer: ResourceClaimConsumerReference, errors: FieldErrors): void {
  for (const field of ["resource", "name", "uid"] as const) if (!consumer[field]) errors.required(`${at}.${field}`);
}

function validateDevice(
  at: string,
  device: AllocatedDeviceStatus,
  allocated: ReadonlySet<string>,
  { byHand, declared }: DeviceErrors,
): void {
  const { driver, pool, device: name, shareID, data, networkData } = device;
  const conditions = device.conditions ?? [];
  validateDriver(`${at}.driver`, driver, byHand);
  validatePool(`${at}.pool`, pool, byHand);
  validateLabelName(`${at}.device`, name, byHand);
  validateShareId(`${at}.shareID`, shareID, declared);
  if (!allocated.has(sharedDeviceOf(device))) {
    const id = { driver, pool, device: name, shareID: shareID ?? "" };
    byHand.invalid(at, id, "must be an allocated device in the claim");
  }
  if (conditions.length > CONDITIONS_MAX) byHand.tooMany(`${at}.conditions`, conditions.length, CONDITIONS_MAX);
  validateConditions(`${at}.conditions`, conditions, byHand);
  if (data !== undefined && data !== null) validateRaw(`${at}.data`, data, DATA_BYTES_MAX, byHand);
  if (networkData) validateNetwork(`${at}.networkData`, networkData, { byHand, declared });
}

const INTERFACE_BYTES_MAX = 256;
const HARDWARE_BYTES_MAX = 128;
const ADDRESSES_MAX = 16;

function validateNetwork(at: string, data: NetworkDeviceData, { byHand, declared }: DeviceErrors): void {
  const { interfaceName = "", hardwareAddress = "" } = data;
  const ips = data.ips ?? [];
  if (interfaceName.length > INTERFACE_BYTES_MAX) declared.tooLong(`${at}.interfaceName`, INTERFACE_BYTES_MAX);
  if (hardwareAddress.length > HARDWARE_BYTES_MAX) declared.tooLong(`${at}.hardwareAddress`, HARDWARE_BYTES_MAX);
  if (!validateUnique(`${at}.ips`, ips, ADDRESSES_MAX, (address) => address, declared)) return;
  for (const [i, address] of ips.entries()) {
    if (parseIpRange(address) !== undefined) continue;
    const detail = "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)";
    byHand.invalid(`${at}.ips[${i}]`, address, detail);
  }
}

function validateAllocation(at: string, allocation: AllocationResult, names: RequestNames, errors: DeviceErrors): void {
  const { byHand, declared } = errors;
  const [results, config] = [allocation.devices?.results ?? [], allocation.devices?.config ?? []];
  if (results.length > RESULTS_MAX) declared.tooMany(`${at}.devices.results`, results.length, RESULTS_MAX);
  else {
    for (const [i, result] of results.entries()) validateResult(`${at}.devices.results[${i}]`, result, names, errors);
  }
  if (config.length > CONFIGURATIONS_MAX) declared.tooMany(`${at}.devices.config`, config.length, CONFIGURATIONS_MAX);
  else {
    for (const [i, configuration] of config.entries()) {
      const here = `${at}.devices.config[${i}]`;
      if (!configuration.source) declared.required(`${here}.source`);
      else declared.oneOf(`${here}.source`, configuration.source, ["FromClaim", "FromClass"]);
      names.validateAll(`${here}.requests`, configuration.requests ?? [], errors);
      validateConfiguration(here, configuration, false, errors);
    }
  }
  if (allocation.nodeSelector) validateNodeSelector(`${at}.nodeSelector`, allocation.nodeSelector, byHand);
}

function validateResult(
  at: string,
  result: DeviceRequestAllocationResult,
  names: RequestNames,
  errors: DeviceErrors,
): void {
  const { byHand, declared } = errors;
  names.validate(`${at}.request`, result.request, byHand);
  validateDeclaredDriver(`${at}.driver`, result.driver, declared);
  validateDeclaredPool(`${at}.pool`, result.pool, declared);
  validateLabelName(`${at}.device`, result.device, byHand);
  validateBindingConditions(at, result, errors);
  validateTolerations(`${at}.tolerations`, result.tolerations, errors);
  validateShareId(`${at}.shareID`, result.shareID, declared);
}

/** Equal values have equal texts. */
function textOf(value: unknown): string {
  return JSON.stringify(keysInOrder(value));
}
