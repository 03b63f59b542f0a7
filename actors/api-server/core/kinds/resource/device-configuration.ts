/** What drivers are told, and what is theirs alone. Source: Kubernetes `pkg/apis/resource/validation`. */
import type { DeviceConfiguration } from "../../../../../protocols/kubernetes/types/resource-v1.ts";
import { isJsonObject } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import type { DeviceErrors } from "./device-errors.ts";
import { validateDeclaredDriver } from "./device-names.ts";

const PARAMETERS_BYTES_MAX = 10 * 1024;

/** @param stored whether it stays as it is: its size has then been let through before */
export function validateConfiguration(
  at: string,
  { opaque }: DeviceConfiguration,
  stored: boolean,
  { byHand, declared }: DeviceErrors,
): void {
  if (!opaque) return byHand.required(`${at}.opaque`);
  validateDeclaredDriver(`${at}.opaque.driver`, opaque.driver, declared);
  validateRaw(`${at}.opaque.parameters`, opaque.parameters, stored ? Infinity : PARAMETERS_BYTES_MAX, byHand);
}

/** An object of any fields. */
export function validateRaw(field: string, value: unknown, bytesMax: number, errors: FieldErrors): void {
  if (value === undefined || value === null) return errors.required(field);
  if (new TextEncoder().encode(JSON.stringify(value)).length > bytesMax) return errors.tooLong(field, bytesMax);
  if (!isJsonObject(value)) errors.invalid(field, "<value omitted>", "must be a valid JSON object");
}
