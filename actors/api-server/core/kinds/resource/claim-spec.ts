/** What a claim asks for, on its own and in a template. Source: Kubernetes `pkg/apis/resource/validation`. */
import type {
  DeviceClaim,
  DeviceConstraint,
  DeviceRequest,
  DeviceSubRequest,
  ExactDeviceRequest,
  ResourceClaimSpec,
} from "../../../../../protocols/kubernetes/types/resource-v1.ts";
import { objectIn, objectsIn, setDefault } from "../../machinery/default-values.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import type { Steps } from "../../steps.ts";
import { Pace } from "../../steps.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { dns1123Subdomain } from "../../machinery/validation/names.ts";
import { validateConfiguration } from "./device-configuration.ts";
import type { DeviceErrors } from "./device-errors.ts";
import { validateUnique } from "./device-errors.ts";
import { validateFullName, validateLabelName } from "./device-names.ts";
import { validateSelectors } from "./device-selectors.ts";
import { validateTolerations } from "./device-taints.ts";

const REQUESTS_MAX = 32;
const CONSTRAINTS_MAX = 32;
const CONFIGURATIONS_MAX = 32;
const CHOICES_MAX = 8;

export function defaultClaimSpec(spec: JsonObject): void {
  for (const request of objectsIn(objectIn(spec, "devices")?.["requests"])) {
    const exactly = objectIn(request, "exactly");
    if (exactly !== undefined) defaultRequest(exactly);
    for (const choice of objectsIn(request["firstAvailable"])) defaultRequest(choice);
  }
}

function defaultRequest(request: JsonObject): void {
  setDefault(request, "allocationMode", "ExactCount", "");
  if (request["allocationMode"] === "ExactCount") setDefault(request, "count", 1, 0);
  defaultTolerations(request);
}

export function defaultTolerations(of: JsonObject): void {
  for (const toleration of objectsIn(of["tolerations"])) setDefault(toleration, "operator", "Equal", "");
}

/** Without what 1.37 knows, but takes only when a feature is switched on. */
export function withoutDerived(spec: ResourceClaimSpec | undefined): ResourceClaimSpec | undefined {
  const requests = spec?.devices?.requests;
  if (!requests?.some(isDerived)) return spec;
  const plain = requests.map((request) => ({
    ...request,
    ...(request.exactly ? { exactly: withoutAttributes(request.exactly) } : {}),
    ...(request.firstAvailable ? { firstAvailable: request.firstAvailable.map(withoutAttributes) } : {}),
  }));
  return { ...spec, devices: { ...spec?.devices, requests: plain } };
}

function isDerived({ exactly, firstAvailable }: DeviceRequest): boolean {
  return [exactly, ...(firstAvailable ?? [])].some((request) => request?.derivedAttributes !== undefined);
}

function withoutAttributes<T extends { readonly derivedAttributes?: unknown }>(
  request: T,
): Omit<T, "derivedAttributes"> {
  const { derivedAttributes: _attributes, ...rest } = request;
  return rest;
}

/** The first of the requests that asks for access as an administrator. */
export function adminRequestIn(spec: ResourceClaimSpec | undefined): number {
  return (spec?.devices?.requests ?? []).findIndex(({ exactly }) => exactly?.adminAccess === true);
}

export const ADMIN_LABEL = "resource.kubernetes.io/admin-access";
export const ADMIN_REFUSAL: string = `admin access to devices requires the \`${ADMIN_LABEL}: true\` label on the containing namespace`;

/** Names of requests, and of each request's choices. */
export class RequestNames {
  readonly #names: ReadonlyMap<string, ReadonlySet<string>>;

  constructor({ requests }: DeviceClaim) {
    this.#names = new Map(
      (requests ?? []).map(({ name, firstAvailable }) => [
        name,
        new Set((firstAvailable ?? []).map((choice) => choice.name)),
      ]),
    );
  }

  /** `request` or `request/choice`. */
  validate(field: string, reference: string, errors: FieldErrors): void {
    const unknown =
      "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
    const [request = "", choice, more] = reference.split("/");
    if (more !== undefined) return errors.invalid(field, reference, unknown);
    for (const part of reference.split("/")) validateLabelName(field, part, errors);
    const choices = this.#names.get(request);
    if (choices === undefined || (choice !== undefined && !choices.has(choice)))
      errors.invalid(field, reference, unknown);
  }

  validateAll(field: string, references: readonly string[], { byHand, declared }: DeviceErrors): void {
    if (!validateUnique(field, references, REQUESTS_MAX, (name) => name, declared)) return;
    for (const [i, name] of references.entries()) this.validate(`${field}[${i}]`, name, byHand);
  }
}

export function* validateClaimSpec(at: string, spec: ResourceClaimSpec | undefined, errors: DeviceErrors): Steps<void> {
  const pace = new Pace();
  const claim = spec?.devices ?? {};
  const names = new RequestNames(claim);
  const [requests, constraints, configurations] = [claim.requests ?? [], claim.constraints ?? [], claim.config ?? []];
  const { declared } = errors;
  if (validateUnique(`${at}.requests`, requests, REQUESTS_MAX, ({ name }) => name, declared)) {
    for (const [i, request] of requests.entries()) {
      yield* validateRequest(`${at}.requests[${i}]`, request, pace, errors);
    }
  }
  if (constraints.length > CONSTRAINTS_MAX) declared.tooMany(`${at}.constraints`, constraints.length, CONSTRAINTS_MAX);
  else {
    for (const [i, constraint] of constraints.entries()) {
      validateConstraint(`${at}.constraints[${i}]`, constraint, names, errors);
    }
  }
  if (configurations.length > CONFIGURATIONS_MAX) {
    return declared.tooMany(`${at}.config`, configurations.length, CONFIGURATIONS_MAX);
  }
  for (const [i, configuration] of configurations.entries()) {
    names.validateAll(`${at}.config[${i}].requests`, configuration.requests ?? [], errors);
    validateConfiguration(`${at}.config[${i}]`, configuration, false, errors);
  }
}

const ONE_OF = "exactly one of `exactly` or `firstAvailable` is required";

function* validateRequest(at: string, request: DeviceRequest, pace: Pace, errors: DeviceErrors): Steps<void> {
  const { byHand, declared } = errors;
  const { name, exactly } = request;
  const choices = request.firstAvailable ?? [];
  validateLabelName(`${at}.name`, name, byHand);
  if (exactly && choices.length > 0) {
    return byHand.invalid(at, null, `${ONE_OF}, but multiple fields are set`);
  }
  if (exactly) {
    const field = `${at}.exactly`;
    validateClassName(`${field}.deviceClassName`, exactly.deviceClassName, byHand);
    return yield* validateAsked(field, exactly, pace, errors);
  }
  if (choices.length === 0) return byHand.required(at, ONE_OF);
  if (!validateUnique(`${at}.firstAvailable`, choices, CHOICES_MAX, (choice) => choice.name, declared)) return;
  for (const [i, choice] of choices.entries()) {
    const field = `${at}.firstAvailable[${i}]`;
    validateLabelName(`${field}.name`, choice.name, byHand);
    validateClassName(`${field}.deviceClassName`, choice.deviceClassName, declared);
    yield* validateAsked(field, choice, pace, errors);
  }
}

function validateClassName(field: string, name: string | undefined, errors: FieldErrors): void {
  if (!name) errors.required(field);
  else errors.all(field, name, dns1123Subdomain(name));
}

function* validateAsked(
  at: string,
  request: ExactDeviceRequest | DeviceSubRequest,
  pace: Pace,
  errors: DeviceErrors,
): Steps<void> {
  const { byHand, declared } = errors;
  const { allocationMode: mode = "", count = 0 } = request;
  yield* validateSelectors(`${at}.selectors`, request.selectors ?? [], false, pace, errors);
  if (mode === "All") {
    if (count !== 0) byHand.invalid(`${at}.count`, count, "must not be specified when allocationMode is 'All'");
  } else if (mode === "ExactCount") {
    if (count <= 0) byHand.invalid(`${at}.count`, count, "must be greater than zero");
  } else declared.oneOf(`${at}.allocationMode`, mode, ["All", "ExactCount"]);
  validateTolerations(`${at}.tolerations`, request.tolerations, errors);
}

const NO_ATTRIBUTE = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set';

function validateConstraint(at: string, constraint: DeviceConstraint, names: RequestNames, errors: DeviceErrors): void {
  const { byHand, declared } = errors;
  const { requests = [], matchAttribute, distinctAttribute } = constraint;
  names.validateAll(`${at}.requests`, requests, errors);
  if (matchAttribute === undefined && distinctAttribute === undefined) return byHand.required(at, NO_ATTRIBUTE);
  if (matchAttribute !== undefined) validateFullName(`${at}.matchAttribute`, matchAttribute, declared);
  if (distinctAttribute !== undefined) validateFullName(`${at}.distinctAttribute`, distinctAttribute, declared);
}
