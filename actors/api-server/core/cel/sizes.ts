/**
 * Sizes and costs as an estimate has them: whole numbers that stop at the largest one of 64 bits.
 * Source: cel-go `checker/cost.go`.
 */
export const UNBOUNDED: number = 2 ** 64;

/** Of a text its characters, of bytes, lists and maps what they have; 1 of what is always as large. */
export interface Size {
  readonly min: number;
  readonly max: number;
}

/** How large the values of a type get, and what is in them. */
export interface Sized {
  readonly max: number;
  /** Of an object. */
  readonly fields?: { readonly get: (name: string) => Sized | undefined };
  /** Of a list or a map. */
  readonly items?: Sized;
  /** Of a map. */
  readonly keys?: Sized;
}

export const UNKNOWN_SIZE: Size = { min: 0, max: UNBOUNDED };

export function fixed(size: number): Size {
  return { min: size, max: size };
}

function limited(value: number): number {
  return Math.min(value, UNBOUNDED);
}

/** A size times what each of it costs, rounded up. */
export function costOf({ max }: Size, factor: number): number {
  return limited(Math.ceil(max * factor));
}

export function product(left: number, right: number): number {
  return limited(left * right);
}

export function sum(...costs: readonly number[]): number {
  return limited(costs.reduce((all, cost) => all + cost, 0));
}

export function plus(left: Size, right: Size): Size {
  return { min: limited(left.min + right.min), max: limited(left.max + right.max) };
}

export function times(left: Size, right: Size): Size {
  return { min: limited(left.min * right.min), max: limited(left.max * right.max) };
}

/** What is either of the two. */
export function either(left: Size, right: Size): Size {
  return { min: Math.min(left.min, right.min), max: Math.max(left.max, right.max) };
}

/** Where the path ends; the name in front is a variable's, and stands for `root`. */
export function sizeAt(root: Sized, path: readonly string[]): Size | undefined {
  let at: Sized | undefined = root;
  for (const step of path.slice(1)) {
    if (step === "@items" || step === "@values") at = at.items;
    else if (step === "@keys") at = at.keys;
    else at = at.fields?.get(step);
    if (at === undefined) return undefined;
  }
  return { min: 0, max: at.max };
}
