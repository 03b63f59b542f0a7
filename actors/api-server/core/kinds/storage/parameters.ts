/** What classes of storage have in common: a driver, and its parameters. Source: Kubernetes `pkg/apis/storage/validation`. */
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { dns1123Subdomain, qualifiedName } from "../../machinery/validation/names.ts";

const PARAMETERS_MAX = 512;
const PARAMETER_BYTES_MAX = 256 * 1024;
const DRIVER_NAME_MAX = 63;

export function validateDriverOfClass(field: string, driver: string | undefined, errors: FieldErrors): void {
  if (!driver) return errors.required(field);
  errors.all(field, driver.toLowerCase(), qualifiedName(driver.toLowerCase()));
}

export function validateParameters(
  field: string,
  parameters: Readonly<Record<string, string>>,
  errors: FieldErrors,
): void {
  const entries = Object.entries(parameters);
  if (entries.length > PARAMETERS_MAX) return errors.tooLong(field, PARAMETERS_MAX);
  if (Object.hasOwn(parameters, "")) errors.invalid(field, "", "field can not be empty.");
  const bytes = entries.reduce((sum, [key, value]) => sum + byteLength(key) + byteLength(value), 0);
  if (bytes > PARAMETER_BYTES_MAX) errors.tooLong(field, PARAMETER_BYTES_MAX);
}

const encoder = new TextEncoder();

function byteLength(text: string): number {
  return encoder.encode(text).length;
}

/** The name of a CSI driver. */
export function validateCsiDriverName(field: string, name: string | undefined, errors: FieldErrors): void {
  if (!name) return errors.required(field);
  if (name.length > DRIVER_NAME_MAX) errors.tooLong(field, DRIVER_NAME_MAX);
  errors.all(field, name, dns1123Subdomain(name.toLowerCase()));
}
