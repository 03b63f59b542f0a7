/**
 * Whether what is applied is of the form that its kind asks for. It is told in the words of the library that Kubernetes
 * merges with, Go's way of printing a value included: server-side apply answers with them as they are.
 * Source: structured-merge-diff `typed/validate.go`.
 */
import { goValue } from "../machinery/go-text.ts";
import { isJsonObject } from "../machinery/json-value.ts";
import type { Structure } from "../structure/structure.ts";
import { UNKNOWN } from "../structure/structure.ts";
import type { PathElement } from "./path-element.ts";
import { elementOf, fieldElement, shownElement } from "./path-element.ts";

/** @returns what is wrong, one a place; empty when nothing is */
export function checkApplied(structure: Structure, object: unknown): readonly string[] {
  const found: string[] = [];
  check(structure, object, [], found);
  return found;
}

/** As the library joins them. */
export function joined(errors: readonly string[]): string {
  return errors.length === 1 ? (errors[0] ?? "") : ["errors:", ...errors.map((error) => `  ${error}`)].join("\n");
}

type Steps = string[];

function check(structure: Structure, value: unknown, steps: Steps, found: string[]): void {
  const report = (why: string): void => void found.push(steps.length === 0 ? why : `${steps.join("")}: ${why}`);
  switch (structure.is) {
    case "leaf":
      if (value !== null) checkScalar(structure, value, report);
      return;
    case "atomic":
      if (structure.inside !== undefined) check(structure.inside, value, steps, found);
      return;
    case "unknown":
      return;
    case "struct":
    case "map":
      if (value === null) return;
      if (!isJsonObject(value)) return report(`expected map, got ${boxed(value)}`);
      return checkFields(structure, value, steps, found);
    case "list":
    case "set":
    case "listMap":
      if (value === null) return;
      if (!Array.isArray(value)) return report(`expected list, got ${boxed(value)}`);
      return checkElements(structure, value, steps, found, report);
  }
}

function checkScalar(structure: Structure, value: unknown, report: (why: string) => void): void {
  switch (structure.scalar) {
    case "number":
      if (typeof value !== "number") report(`expected numeric (int or float), got ${goType(value)}`);
      return;
    case "string":
      if (typeof value !== "string") report(`expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`);
      return;
    case "boolean":
      if (typeof value !== "boolean") report(`expected boolean, got ${boxed(value)}`);
      return;
    case undefined:
      if (typeof value === "object") report(`expected any scalar, got ${boxed(value)}`);
  }
}

function checkFields(
  structure: Structure,
  value: Readonly<Record<string, unknown>>,
  steps: Steps,
  found: string[],
): void {
  for (const name of Object.keys(value).sort()) {
    const field = structure.field(name);
    steps.push(shownElement(fieldElement(name)));
    if (field === undefined) found.push(`${steps.join("")}: field not declared in schema`);
    else check(field, value[name], steps, found);
    steps.pop();
    if (field === undefined) return;
  }
}

function checkElements(
  structure: Structure,
  items: readonly unknown[],
  steps: Steps,
  found: string[],
  report: (why: string) => void,
): void {
  const seen = new Set<PathElement>();
  for (const [i, item] of items.entries()) {
    let element: PathElement = `i:${i}`;
    if (structure.is !== "list") {
      const key = elementOf(structure, item);
      if (typeof key !== "string") return report(`element ${i}: ${key.why}`);
      element = key;
      if (seen.has(element)) report(`duplicate entries for key ${shownElement(element)}`);
      seen.add(element);
    }
    steps.push(shownElement(element));
    check(structure.element ?? UNKNOWN, item, steps, found);
    steps.pop();
  }
}

/** `%v` of the library's own box around a value. */
function boxed(value: unknown): string {
  return `&{${goValue(value)}}`;
}

function goType(value: unknown): string {
  if (Array.isArray(value)) return "[]interface {}";
  if (isJsonObject(value)) return "map[string]interface {}";
  if (typeof value === "boolean") return "bool";
  return typeof value === "number" ? (Number.isInteger(value) ? "int64" : "float64") : "string";
}

/** `%#v` */
function goSyntax(value: unknown): string {
  if (value === null) return "interface {}(nil)";
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(", ")}}`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `map[string]interface {}{${keys.map((key) => `${JSON.stringify(key)}:${goSyntax(value[key])}`).join(", ")}}`;
}
