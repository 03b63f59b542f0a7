/** Collects what is wrong with an object, in the words of apimachinery's `field.Error`. */
import type { StatusCause } from "../../../../../protocols/kubernetes/types/meta-v1.ts";

/**
 * What an object of 3 MB can have wrong is more than anybody reads, and each cause may repeat a large part of it: what goes beyond this
 * is left out.
 */
const CHARS_MAX = 4_194_304;

export class FieldErrors {
  readonly causes: StatusCause[] = [];
  /** What is wrong and may stay so: it is told. */
  readonly warnings: string[] = [];
  #chars = 0;

  required(field: string, detail: string = ""): void {
    this.#add("FieldValueRequired", field, "Required value", detail);
  }

  invalid(field: string, value: unknown, detail: string): void {
    this.#add("FieldValueInvalid", field, `Invalid value: ${this.#shown(value)}`, detail);
  }

  /** Of a value that is not shown. */
  wrong(field: string, detail: string): void {
    this.#add("FieldValueInvalid", field, "Invalid value", detail);
  }

  duplicate(field: string, value: unknown, detail: string = ""): void {
    this.#add("FieldValueDuplicate", field, `Duplicate value: ${this.#shown(value)}`, detail);
  }

  forbidden(field: string, detail: string): void {
    this.#add("FieldValueForbidden", field, "Forbidden", detail);
  }

  notFound(field: string, value: unknown, detail: string = ""): void {
    this.#add("FieldValueNotFound", field, `Not found: ${this.#shown(value)}`, detail);
  }

  /** What Kubernetes finds out only when it is about to use the value. */
  internal(field: string, problem: string): void {
    this.#add("InternalError", field, "Internal error", problem);
  }

  tooLong(field: string, maxBytes: number): void {
    this.#add("FieldValueTooLong", field, "Too long", `may not be more than ${maxBytes} bytes`);
  }

  tooLongInCharacters(field: string, max: number): void {
    this.#add("FieldValueTooLong", field, "Too long", `may not be more than ${max} characters`);
  }

  tooMany(field: string, count: number, max: number): void {
    this.#add("FieldValueTooMany", field, `Too many: ${count}`, `must have at most ${max} items`);
  }

  /** A string that is none of `supported`, which are listed in this order. */
  oneOf(field: string, value: unknown, supported: readonly string[]): void {
    if (typeof value === "string" && supported.includes(value)) return;
    this.unsupported(field, value, supported);
  }

  unsupported(field: string, value: unknown, supported: readonly string[]): void {
    const list = supported.map((name) => JSON.stringify(name)).join(", ");
    this.#add("FieldValueNotSupported", field, `Unsupported value: ${this.#shown(value)}`, `supported values: ${list}`);
  }

  /** `problems` of a text, as `names.ts` finds them. */
  all(field: string, value: unknown, problems: readonly string[]): void {
    for (const problem of problems) this.invalid(field, value, problem);
  }

  notNegative(field: string, value: number | null | undefined): void {
    if (typeof value === "number" && value < 0) this.invalid(field, value, "must be greater than or equal to 0");
  }

  inRange(field: string, value: number, min: number, max: number): void {
    if (value < min || value > max) this.invalid(field, value, `must be between ${min} and ${max}, inclusive`);
  }

  /** What others have found, behind what is here. */
  add(...others: readonly FieldErrors[]): void {
    for (const { causes } of others) for (const cause of causes) this.causes.push(cause);
  }

  #add(reason: string, field: string, what: string, detail: string): void {
    if (this.#chars > CHARS_MAX) return;
    this.#chars += field.length + what.length + detail.length;
    this.causes.push({ reason, message: detail === "" ? what : `${what}: ${detail}`, field });
  }

  #shown(value: unknown): string {
    if (this.#chars > CHARS_MAX) return "";
    return value === undefined ? "null" : JSON.stringify(value);
  }
}
