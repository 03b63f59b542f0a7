/** Amounts that containers and nodes name. Source: Kubernetes `validateResourceName`, `ValidateResourceRequirements`. */
import type { ResourceRequirements } from "../../../../../protocols/kubernetes/core-v1.ts";
import { compareQuantities, parseQuantity } from "../../../../../protocols/kubernetes/quantity.ts";
import type { FieldErrors } from "./field-errors.ts";
import { qualifiedName } from "./names.ts";

const STANDARD: ReadonlySet<string> = new Set(["cpu", "memory", "ephemeral-storage"]);
/** May not be promised more often than there is. */
const HUGE_PAGES = "hugepages-";

function isStandard(name: string): boolean {
  return STANDARD.has(name) || name.startsWith(HUGE_PAGES);
}

function validateName(field: string, name: string, errors: FieldErrors): void {
  errors.all(field, name, qualifiedName(name));
  if (name.includes("/") || isStandard(name)) return;
  errors.invalid(field, name, "must be a standard resource type or fully qualified");
  errors.invalid(field, name, "must be a standard resource for containers");
}

export function validateQuantity(field: string, value: string, errors: FieldErrors): void {
  if (parseQuantity(value).nano < 0n) errors.invalid(field, value, "must be greater than or equal to 0");
}

export function validateResources(
  field: string,
  resources: ResourceRequirements | undefined,
  errors: FieldErrors,
): void {
  const { limits = {}, requests = {} } = resources ?? {};
  for (const [name, value] of Object.entries(limits)) {
    validateName(`${field}.limits[${name}]`, name, errors);
    validateQuantity(`${field}.limits[${name}]`, value, errors);
    validateWhole(`${field}.limits[${name}]`, name, value, errors);
  }
  for (const [name, value] of Object.entries(requests)) {
    validateName(`${field}.requests[${name}]`, name, errors);
    validateQuantity(`${field}.requests[${name}]`, value, errors);
    validateWhole(`${field}.requests[${name}]`, name, value, errors);
    validateAgainstLimit(`${field}.requests`, name, value, limits[name], errors);
  }
  const names = Object.keys({ ...limits, ...requests });
  if (names.some((name) => name.startsWith(HUGE_PAGES)) && !names.includes("cpu") && !names.includes("memory")) {
    errors.forbidden(field, "HugePages require cpu or memory");
  }
}

function validateWhole(field: string, name: string, value: string, errors: FieldErrors): void {
  const extended = name.includes("/") && !name.startsWith("kubernetes.io/");
  if (extended && parseQuantity(value).nano % 1_000_000_000n !== 0n) errors.invalid(field, value, "must be an integer");
}

function validateAgainstLimit(
  field: string,
  name: string,
  request: string,
  limit: string | undefined,
  errors: FieldErrors,
): void {
  const overcommittable = STANDARD.has(name);
  if (limit === undefined) {
    if (!overcommittable && isStandardOrExtended(name)) {
      errors.required(field.replace(/requests$/, "limits"), "Limit must be set for non overcommitable resources");
    }
  } else if (!overcommittable && isStandardOrExtended(name) && compareQuantities(request, limit) !== 0) {
    errors.invalid(field, request, `must be equal to ${name} limit of ${limit}`);
  } else if (overcommittable && compareQuantities(request, limit) > 0) {
    errors.invalid(field, request, `must be less than or equal to ${name} limit of ${limit}`);
  }
}

function isStandardOrExtended(name: string): boolean {
  return name.startsWith(HUGE_PAGES) || name.includes("/");
}
