/** What operators make of numbers, texts, lists and times. Source: the CEL specification. */
import { checkedDuration, checkedTimestamp } from "./times.ts";
import { CelDuration, CelError, CelTimestamp, CelUint } from "./values.ts";

export type Spend = (cost: number) => void;

/** @throws CelError of what has no negative */
export function negative(value: unknown): unknown {
  if (typeof value === "bigint") return checkedInt(-value);
  if (typeof value === "number") return -value;
  throw new CelError("no such overload");
}

const INT_MAX = 2n ** 63n - 1n;
const INT_MIN = -(2n ** 63n);

function checkedInt(value: bigint): bigint {
  if (value > INT_MAX || value < INT_MIN) throw new CelError("integer overflow");
  return value;
}

export type Arithmetic = "_+_" | "_-_" | "_*_" | "_/_" | "_%_";

/** @throws CelError where there is no result, CelBudgetError when the budget is spent */
export function arithmetic(op: Arithmetic, a: unknown, b: unknown, spend: Spend): unknown {
  if (typeof a === "bigint" && typeof b === "bigint") return checkedInt(integers(op, a, b));
  if (a instanceof CelUint && b instanceof CelUint) {
    const value = integers(op, a.value, b.value);
    if (value < 0n || value >= 2n ** 64n) throw new CelError("unsigned integer overflow");
    return new CelUint(value);
  }
  if (typeof a === "number" && typeof b === "number") {
    switch (op) {
      case "_+_":
        return a + b;
      case "_-_":
        return a - b;
      case "_*_":
        return a * b;
      case "_/_":
        return a / b;
      case "_%_":
    }
  }
  if (op === "_+_" && typeof a === "string" && typeof b === "string") {
    spend((a.length + b.length) / 10);
    return a + b;
  }
  if (op === "_+_" && a instanceof Uint8Array && b instanceof Uint8Array) {
    spend((a.length + b.length) / 10);
    return Uint8Array.from([...a, ...b]);
  }
  if (op === "_+_" && Array.isArray(a) && Array.isArray(b)) {
    spend((a.length + b.length) / 10);
    return [...(a as unknown[]), ...(b as unknown[])];
  }
  return times(op, a, b);
}

function integers(op: Arithmetic, a: bigint, b: bigint): bigint {
  switch (op) {
    case "_+_":
      return a + b;
    case "_-_":
      return a - b;
    case "_*_":
      return a * b;
    case "_/_":
      if (b === 0n) throw new CelError("division by zero");
      return a / b;
    case "_%_":
      if (b === 0n) throw new CelError("modulus by zero");
      return a % b;
  }
}

function times(op: Arithmetic, a: unknown, b: unknown): unknown {
  if (op === "_+_") {
    if (a instanceof CelTimestamp && b instanceof CelDuration) return checkedTimestamp(a.nanos + b.nanos, a.zone);
    if (a instanceof CelDuration && b instanceof CelTimestamp) return checkedTimestamp(a.nanos + b.nanos, b.zone);
    if (a instanceof CelDuration && b instanceof CelDuration) return checkedDuration(a.nanos + b.nanos);
  }
  if (op === "_-_") {
    if (a instanceof CelTimestamp && b instanceof CelTimestamp) return checkedDuration(a.nanos - b.nanos);
    if (a instanceof CelTimestamp && b instanceof CelDuration) return checkedTimestamp(a.nanos - b.nanos, a.zone);
    if (a instanceof CelDuration && b instanceof CelDuration) return checkedDuration(a.nanos - b.nanos);
  }
  throw new CelError("no such overload");
}
