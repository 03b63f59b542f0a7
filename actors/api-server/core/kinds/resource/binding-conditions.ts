/** Conditions that a device waits for before it is bound. Source: Kubernetes `pkg/apis/resource/validation`. */
import { qualifiedName } from "../../machinery/validation/names.ts";
import type { DeviceErrors } from "./device-errors.ts";
import { repeatedAt } from "../../machinery/validation/repeated.ts";

const CONDITIONS_MAX = 4;

interface Conditions {
  readonly bindingConditions?: readonly string[];
  readonly bindingFailureConditions?: readonly string[];
}

export function validateBindingConditions(at: string, given: Conditions, { byHand, declared }: DeviceErrors): void {
  const [wanted, failing] = [given.bindingConditions ?? [], given.bindingFailureConditions ?? []];
  for (const [field, names] of [
    ["bindingConditions", wanted],
    ["bindingFailureConditions", failing],
  ] as const) {
    if (names.length > CONDITIONS_MAX) declared.tooMany(`${at}.${field}`, names.length, CONDITIONS_MAX);
    else for (const [i, name] of names.entries()) byHand.all(`${at}.${field}[${i}]`, name, qualifiedName(name));
  }
  const wantedTwice = repeatedAt(wanted);
  for (const [i, name] of wanted.entries()) {
    if (wantedTwice.has(i)) byHand.duplicate(`${at}.bindingConditions[${i}]`, name);
  }
  const failingTwice = repeatedAt(failing);
  const known = new Set(wanted);
  for (const [i, name] of failing.entries()) {
    const here = `${at}.bindingFailureConditions[${i}]`;
    if (failingTwice.has(i)) byHand.duplicate(here, name);
    if (!known.has(name)) continue;
    byHand.invalid(here, name, "bindingFailureConditions must not overlap with bindingConditions");
  }
  if (wanted.length === 0 && failing.length > 0) {
    const detail = "bindingConditions are required to use bindingFailureConditions";
    byHand.invalid(`${at}.bindingConditions`, given.bindingConditions, detail);
  }
  if (failing.length === 0 && wanted.length > 0) {
    const detail = "bindingFailureConditions are required to use bindingConditions";
    byHand.invalid(`${at}.bindingFailureConditions`, given.bindingFailureConditions, detail);
  }
}
