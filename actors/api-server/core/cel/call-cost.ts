/**
 * What a call of a function costs at most, without its operands, and how large what it gives can be.
 * Source: apiserver `pkg/cel/library/cost.go` (EstimateCallCost), cel-go `checker/cost.go`, `ext/lists.go`, `ext/sets.go`.
 */
import type { Operand } from "./cost.ts";
import { isText } from "./cost.ts";
import type { Size } from "./sizes.ts";
import { UNBOUNDED, UNKNOWN_SIZE, costOf, fixed, plus, product, sum, times } from "./sizes.ts";

/** Of each character that is looked at. */
const TEXT = 0.1;
/** Of each character of a pattern. */
const PATTERN = 0.25;
/** Characters of the pattern that a named format stands for, at most. */
const FORMAT_PATTERN_CHARS_MAX = 128;
const NEW_LIST = 10;

interface CallCost {
  readonly cost: number;
  /** undefined: as of any value of its type. */
  readonly size?: Size;
}

const ONE: CallCost = { cost: 1 };

/** @param target of a method */
export function callCost(name: string, target: Operand | undefined, args: readonly Operand[]): CallCost {
  const [first] = args;
  if (target !== undefined) return methodCost(name, target, args);
  if (first === undefined) return ONE;
  switch (name) {
    case "url":
      return { cost: costOf(first.size, TEXT), size: first.size };
    case "cidr":
    case "ip":
    case "isCIDR":
    case "isIP":
    case "isQuantity":
    case "isSemver":
    case "quantity":
    case "semver":
      return { cost: costOf(first.size, TEXT) };
    case "ip.isCanonical":
      return { cost: costOf(first.size, 2 * TEXT) };
    case "bytes":
      if (first.type.name !== "string") return ONE;
      return { cost: costOf(first.size, TEXT), size: { min: first.size.min, max: first.size.max * 4 } };
    case "string":
      if (first.type.name !== "bytes") return ONE;
      return { cost: costOf(first.size, TEXT), size: { min: Math.floor(first.size.min / 4), max: first.size.max } };
    case "matches":
      return { cost: matchCost(first.size, args[1]?.size ?? UNKNOWN_SIZE) };
    case "sets.contains":
    case "sets.intersects":
      return { cost: sum(1, costOf(times(first.size, args[1]?.size ?? UNKNOWN_SIZE), 1)) };
    case "sets.equivalent":
      return { cost: sum(1, costOf(times(first.size, args[1]?.size ?? UNKNOWN_SIZE), 2)) };
    case "lists.range": {
      const size = fixed(integerOf(first) ?? UNBOUNDED);
      return { cost: sum(1, NEW_LIST, costOf(size, 1)), size };
    }
  }
  return ONE;
}

function methodCost(name: string, target: Operand, args: readonly Operand[]): CallCost {
  const { size } = target;
  const [first] = args;
  const given = first?.size ?? UNKNOWN_SIZE;
  switch (name) {
    case "includes":
    case "indexOf":
    case "isSorted":
    case "lastIndexOf":
    case "max":
    case "min":
    case "sum":
      return { cost: scanCost(name, target) };
    case "lowerAscii":
    case "substring":
    case "trim":
    case "upperAscii":
      return { cost: costOf(size, TEXT), size };
    case "replace":
      return { cost: costOf(size, 2 * TEXT), size: replacedSize(size, given, args[1]?.size ?? UNKNOWN_SIZE) };
    case "split": {
      const most = args[1] === undefined ? undefined : integerOf(args[1]);
      return { cost: costOf(size, 2 * TEXT), size: { min: 0, max: most ?? size.max } };
    }
    case "join": {
      const whole = joinedSize(target, first?.size);
      return { cost: costOf(whole, TEXT), size: whole };
    }
    case "find":
    case "findAll":
      return { cost: matchCost(size, given), size: { min: 0, max: size.max } };
    case "matches":
      return { cost: matchCost(size, given) };
    case "contains":
      return { cost: product(costOf(size, TEXT), costOf(given, TEXT)) };
    case "startsWith":
    case "endsWith":
      return { cost: costOf(given, TEXT) };
    case "format":
      return { cost: costOf(size, TEXT) };
    case "validate":
      return { cost: costOf(fixed(costOf(given, TEXT)), FORMAT_PATTERN_CHARS_MAX * PATTERN) };
    case "containsIP":
      return { cost: sum(4, first?.type.name === "string" ? costOf(given, TEXT) : 0) };
    case "containsCIDR":
      return { cost: sum(7, first?.type.name === "string" ? costOf(given, TEXT) : 0) };
    case "reverse":
    case "flatten":
      return { cost: sum(1, NEW_LIST, costOf(size, (first === undefined ? undefined : integerOf(first)) ?? 1)), size };
    case "distinct":
      return { cost: sum(1, NEW_LIST, costOf(times(size, size), 2)), size: times(size, size) };
    case "sort": {
      const factor = isTextList(target) ? 2 + TEXT : 2;
      return { cost: sum(1, NEW_LIST, costOf(times(size, size), factor)), size: times(size, size) };
    }
    case "slice": {
      const from = (first === undefined ? undefined : integerOf(first)) ?? 0;
      const to = (args[1] === undefined ? undefined : integerOf(args[1])) ?? size.max;
      return { cost: sum(1, NEW_LIST, Math.max(0, to - from)), size: fixed(Math.max(0, to - from)) };
    }
  }
  return ONE;
}

/** Of a literal. */
function integerOf({ expression }: Operand): number | undefined {
  const value = expression.is === "literal" ? expression.value.value : undefined;
  return typeof value === "bigint" ? Math.max(0, Number(value)) : undefined;
}

function isTextList({ type }: Operand): boolean {
  return type.is === "list" && type.of.some(isText);
}

function scanCost(name: string, target: Operand): number {
  if (target.type.is !== "list") return costOf(target.size, name === "includes" ? 1 : TEXT);
  return product(target.size.max, isTextList(target) ? sum(1, costOf(target.itemSize, TEXT)) : 1);
}

/** One more character, so that a pattern costs something on an empty text. */
function matchCost(text: Size, pattern: Size): number {
  return product(costOf(plus(text, fixed(1)), TEXT), costOf(pattern, PATTERN));
}

/** Only the largest counts: what is smallest is replaced by what is largest as often as it fits. */
function replacedSize(size: Size, old: Size, next: Size): Size {
  const largest = (): number => {
    if (old.min === 0) return sum(product(sum(size.max, 1), next.max), size.max);
    if (next.max <= old.min) return size.max;
    return product(Math.ceil(size.max / old.min), next.max);
  };
  const smallest = (): number => {
    if (old.max === 0) return sum(product(sum(size.min, 1), next.min), size.min);
    if (old.max <= next.min) return size.min;
    return product(Math.ceil(size.min / old.max), next.min);
  };
  return { min: smallest(), max: largest() };
}

function joinedSize({ size, type, itemSize }: Operand, separator: Size | undefined): Size {
  const texts = type.is === "list" ? times(size, itemSize) : fixed(0);
  if (separator === undefined) return texts;
  const between = { min: Math.max(0, size.min - 1), max: Math.max(0, size.max - 1) };
  return plus(texts, times(separator, between));
}
