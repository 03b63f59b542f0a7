/** Amounts that containers and nodes name. Source: Kubernetes `validateResourceName`, `ValidateResourceRequirements`. */
import type { PodSpec, ResourceRequirements } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { compareQuantities, parseQuantity, quantityMilli } from "../../../../../protocols/kubernetes/quantity.ts";
import { containerTotal, isPodLevelResource } from "../../../../../protocols/kubernetes/pod-resources.ts";
import type { FieldErrors } from "./field-errors.ts";
import { dns1123Label, qualifiedName } from "./names.ts";

const STANDARD: ReadonlySet<string> = new Set(["cpu", "memory", "ephemeral-storage"]);
/** May not be promised more often than there is. */
const HUGE_PAGES = "hugepages-";

function isStandard(name: string): boolean {
  return STANDARD.has(name) || name.startsWith(HUGE_PAGES);
}

/** Names without a domain that quotas know besides. */
const COUNTED =
  /^((requests|limits)\.(cpu|memory|ephemeral-storage)|requests\.hugepages-.*|(requests\.)?storage|pods|services(\.(nodeports|loadbalancers))?|replicationcontrollers|resourcequotas|secrets|configmaps|persistentvolumeclaims)$/;

/** Returns whether the name is one at all. */
function validateName(field: string, name: string, errors: FieldErrors): boolean {
  const problems = qualifiedName(name);
  errors.all(field, name, problems);
  if (problems.length > 0) return false;
  if (name.includes("/") || isStandard(name) || COUNTED.test(name)) return true;
  errors.invalid(field, name, "must be a standard resource type or fully qualified");
  return false;
}

/** Of a resource that a container can ask for. Source: `ValidateContainerResourceName`. */
export function validateContainerResourceName(field: string, name: string, errors: FieldErrors): void {
  ofContainer(field, name, errors);
}

/** Of a resource of any kind. */
export function validateResourceName(field: string, name: string, errors: FieldErrors): void {
  validateName(field, name, errors);
}

/** Without a domain, only what is counted can have a quota. Source: `ValidateResourceQuotaResourceName`. */
export function validateQuotaResourceName(field: string, name: string, errors: FieldErrors): void {
  validateName(field, name, errors);
  if (name.includes("/") || isQuotaResource(name)) return;
  errors.invalid(field, name, "must be a standard resource for quota");
}

const WHOLE =
  /^(pods|services(\.(nodeports|loadbalancers))?|replicationcontrollers|resourcequotas|secrets|configmaps|persistentvolumeclaims)$/;

/** An amount of what is counted is a whole number. Source: `ValidateResourceQuantityValue`. */
export function validateAmount(field: string, name: string, value: string, errors: FieldErrors): void {
  validateQuantity(field, value, errors);
  const extended = !isNative(name) && !name.startsWith("requests.");
  if (!WHOLE.test(name) && !extended) return;
  if (quantityMilli(value) % 1000 !== 0) errors.invalid(field, value, "must be an integer");
}

/** Of those without a domain. */
export function isQuotaResource(name: string): boolean {
  return isStandard(name) || (COUNTED.test(name) && name !== "storage");
}

/** May be promised more often than there is. */
export function isOvercommittable(name: string): boolean {
  return isNative(name) && !name.startsWith(HUGE_PAGES);
}

function isNative(name: string): boolean {
  return !name.includes("/") || name.includes("kubernetes.io/");
}

type NameCheck = (field: string, name: string, errors: FieldErrors) => void;

const ofContainer: NameCheck = (field, name, errors) => {
  validateName(field, name, errors);
  if (name.includes("/") || isStandard(name)) return;
  errors.invalid(field, name, "must be a standard resource for containers");
};

const ofPod: NameCheck = (field, name, errors) => {
  if (!validateName(field, name, errors) || isPodLevelResource(name)) return;
  errors.oneOf(field, name, ["cpu", "hugepages-", "memory"]);
};

export function validateQuantity(field: string, value: string, errors: FieldErrors): void {
  if (parseQuantity(value).nano < 0n) errors.invalid(field, value, "must be greater than or equal to 0");
}

export function validateResources(
  field: string,
  resources: ResourceRequirements | undefined,
  claims: ReadonlySet<string>,
  errors: FieldErrors,
): void {
  validateAmounts(field, resources, ofContainer, claims, errors);
}

/** What a pod asks for as a whole, beside what its containers ask for. Source: `validatePodResources`. */
export function validatePodResources(at: string, spec: PodSpec, errors: FieldErrors): void {
  const { resources } = spec;
  const field = `${at}.resources`;
  if (resources === undefined) return;
  if (spec.os?.name === "windows") return errors.forbidden(field, "may not be set for a windows pod");
  if (resources.claims !== undefined) {
    errors.forbidden(`${field}.claims`, "claims may not be set for Resources at pod-level");
  }
  const claims = new Set((spec.resourceClaims ?? []).map((claim) => claim.name));
  validateAmounts(field, resources, ofPod, claims, errors);
  const { limits = {}, requests = {} } = resources;
  for (const [name, total] of Object.entries(containerTotal(spec, "requests"))) {
    const asked = requests[name];
    if (asked === undefined || compareQuantities(total, asked) <= 0) continue;
    const detail = `must be greater than or equal to aggregate container requests of ${total}`;
    errors.invalid(`${field}.requests[${name}]`, asked, detail);
  }
  for (const [i, container] of (spec.containers ?? []).entries()) {
    for (const [name, limit] of Object.entries(container.resources?.limits ?? {})) {
      const ofWhole = limits[name];
      if (ofWhole === undefined || compareQuantities(limit, ofWhole) <= 0) continue;
      const detail = `must be less than or equal to pod limits of ${ofWhole}`;
      errors.invalid(`${field}.containers[${i}][${name}].limits`, limit, detail);
    }
  }
}

function validateAmounts(
  field: string,
  resources: ResourceRequirements | undefined,
  checkName: NameCheck,
  claims: ReadonlySet<string>,
  errors: FieldErrors,
): void {
  const { limits = {}, requests = {} } = resources ?? {};
  validateClaims(`${field}.claims`, resources?.claims ?? [], claims, errors);
  for (const [name, value] of Object.entries(limits)) {
    checkName(`${field}.limits[${name}]`, name, errors);
    validateQuantity(`${field}.limits[${name}]`, value, errors);
    validateWhole(`${field}.limits[${name}]`, name, value, errors);
  }
  for (const [name, value] of Object.entries(requests)) {
    checkName(`${field}.requests[${name}]`, name, errors);
    validateQuantity(`${field}.requests[${name}]`, value, errors);
    validateWhole(`${field}.requests[${name}]`, name, value, errors);
    validateAgainstLimit(`${field}.requests`, name, value, limits[name], errors);
  }
  const names = Object.keys({ ...limits, ...requests });
  if (names.some((name) => name.startsWith(HUGE_PAGES)) && !names.includes("cpu") && !names.includes("memory")) {
    errors.forbidden(field, "HugePages require cpu or memory");
  }
}

const NO_CLAIMS: ReadonlySet<string> = new Set();

/** The resources that running a pod costs besides. */
export function validateOverhead(field: string, overhead: Readonly<Record<string, string>>, errors: FieldErrors): void {
  validateResources(field, { limits: overhead }, NO_CLAIMS, errors);
}

/** Devices that the container uses, of those that the pod claims. */
function validateClaims(
  field: string,
  used: NonNullable<ResourceRequirements["claims"]>,
  claims: ReadonlySet<string>,
  errors: FieldErrors,
): void {
  if (used.length === 0) return;
  const seen = new Set<string>();
  /** Claims of which a single request is used. */
  const partly = new Set<string>();
  const known = claims.size === 0 ? " which is empty" : `: ${[...claims].sort().join(", ")}`;
  for (const [i, { name, request = "" }] of used.entries()) {
    const at = `${field}[${i}]`;
    if (!name) {
      errors.required(at);
      continue;
    }
    const key = request === "" ? name : `${name}/${request}`;
    if (request !== "" && !seen.has(name)) errors.all(`${at}.request`, request, dns1123Label(request));
    const repeats = seen.has(name) || seen.has(key) || (request === "" && partly.has(name));
    if (repeats) errors.duplicate(at, seen.has(name) ? name : key);
    seen.add(key);
    if (request !== "") partly.add(name);
    if (claims.has(name)) continue;
    errors.notFound(at, name, `must be one of the names in pod.spec.resourceClaims${known}`);
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
