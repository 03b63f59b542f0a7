/** How much of a capacity a claim may ask for. Source: Kubernetes `pkg/apis/resource/validation`. */
import { parseQuantity } from "../../../../../protocols/kubernetes/quantity.ts";
import type {
  CapacityRequestPolicy,
  CapacityRequestPolicyRange,
} from "../../../../../protocols/kubernetes/types/resource-v1.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";

const VALUES_MAX = 10;
const NANO = 1_000_000_000n;
const INT_MAX = 2n ** 63n - 1n;

/** In billionths. */
function amountOf(quantity: string): bigint {
  return parseQuantity(quantity).nano;
}

/** In whole numbers, fractions rounded up. */
function wholeOf(quantity: string): bigint {
  const nano = amountOf(quantity);
  return nano > 0n ? (nano + NANO - 1n) / NANO : nano / NANO;
}

export function validateRequestPolicy(
  at: string,
  capacity: string,
  policy: CapacityRequestPolicy,
  errors: FieldErrors,
): void {
  const { validValues = [], validRange, default: usual } = policy;
  if (validValues.length > 0 && validRange) {
    const detail =
      'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time';
    return errors.forbidden(at, detail);
  }
  if (validValues.length > 0) {
    if (!usual) return errors.required(`${at}.default`, "required when validValues is defined");
    return validateValues(`${at}.validValues`, validValues, usual, capacity, errors);
  }
  if (!validRange) return;
  if (!usual) return errors.required(`${at}.default`, "required when validRange is defined");
  validateRange(`${at}.validRange`, validRange, usual, capacity, errors);
}

function validateValues(
  field: string,
  values: readonly string[],
  usual: string,
  capacity: string,
  errors: FieldErrors,
): void {
  for (const [i, value] of values.entries()) {
    const before = values[i - 1];
    if (before === undefined || amountOf(before) <= amountOf(value)) continue;
    errors.invalid(`${field}[${i}]`, value, "values must be sorted in ascending order");
  }
  if (values.length > VALUES_MAX) errors.tooMany(field, values.length, VALUES_MAX);
  else {
    for (const [i, value] of values.entries()) {
      if (amountOf(value) <= amountOf(capacity)) continue;
      errors.invalid(`${field}[${i}]`, value, `option is larger than capacity value: ${capacity}`);
    }
    const seen = new Set<bigint>();
    for (const [i, value] of values.entries()) {
      const whole = wholeOf(value);
      if (seen.has(whole)) errors.duplicate(`${field}[${i}]`, String(whole));
      seen.add(whole);
    }
    if (values.some((value) => amountOf(value) === amountOf(usual))) return;
  }
  errors.invalid(field, usual, "default value is not valid according to the requestPolicy");
}

function validateRange(
  at: string,
  { min, max, step }: CapacityRequestPolicyRange,
  usual: string,
  capacity: string,
  errors: FieldErrors,
): void {
  if (!min) return errors.required(`${at}.min`, "required when validRange is defined");
  const above = (a: string, b: string): boolean => amountOf(a) > amountOf(b);
  if (above(min, capacity)) errors.invalid(`${at}.min`, min, `min is larger than capacity value: ${capacity}`);
  if (above(min, usual)) errors.invalid(`${at}.default`, usual, `default is less than min: ${min}`);
  if (max) {
    if (above(min, max)) errors.invalid(`${at}.max`, min, `min is larger than max: ${max}`);
    if (above(max, capacity)) errors.invalid(`${at}.max`, max, `max is larger than capacity value: ${capacity}`);
    if (above(usual, max)) errors.invalid(`${at}.default`, usual, `default is more than max: ${max}`);
  }
  if (!step) return;
  if (amountOf(step) <= 0n) return errors.invalid(`${at}.step`, step, "must be greater than zero");
  const added = amountOf(min) + amountOf(step);
  if (added > amountOf(capacity)) {
    const text = String(added / NANO);
    errors.invalid(`${at}.step`, step, `one step ${text} is larger than capacity value: ${capacity}`);
  }
  const all = { default: usual, min, ...(max ? { max } : {}), step };
  if (!areCountable(at, all, errors)) return;
  for (const value of max ? [usual, max] : [usual]) {
    if ((wholeOf(value) - wholeOf(min)) % wholeOf(step) === 0n) continue;
    errors.invalid(`${at}.step`, value, `value is not a multiple of a given step (${step}) from (${min})`);
  }
}

function areCountable(at: string, amounts: Readonly<Record<string, string>>, errors: FieldErrors): boolean {
  const before = errors.causes.length;
  for (const [name, amount] of Object.entries(amounts)) {
    if (amountOf(amount) < 0n) errors.invalid(`${at}.${name}`, amount, "must be greater than or equal to 0");
    else if (amountOf(amount) > INT_MAX * NANO) {
      errors.invalid(`${at}.${name}`, amount, `must not be larger than ${INT_MAX}`);
    }
  }
  return errors.causes.length === before;
}
