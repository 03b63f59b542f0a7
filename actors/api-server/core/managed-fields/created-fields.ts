/**
 * Who creates an object owns what it has. Which fields these are depends on the object's shape: on the names of its fields and on what tells
 * the elements of its lists apart, and not on what most fields say. Pods of one template have one shape, so the sets of those shapes that
 * were created last are remembered, and shared by their objects.
 */
import { equalJson, getOwn, isJsonObject } from "../machinery/json-value.ts";
import type { Steps } from "../steps.ts";
import type { Structure } from "../structure/structure.ts";
import { UNKNOWN } from "../structure/structure.ts";
import { fieldOf, partsOf } from "./comparison.ts";
import type { FieldFilter } from "./field-filter.ts";
import type { FieldSet } from "./field-set.ts";

/** Shapes remembered of one kind. */
const SHAPES_MAX = 8;
/** Values in an object whose shape is remembered: a pod has a few hundred, a ConfigMap can have any number. */
const VALUES_MAX = 1_000;

/** Whether another value is of the same shape. */
type Shape = (value: unknown) => boolean;

interface Remembered {
  readonly isOf: Shape;
  readonly filter: FieldFilter;
  readonly own: FieldSet;
}

/** Of one kind in one version. */
export class CreatedFields {
  /** The one that was asked for last comes first. */
  readonly #shapes: Remembered[] = [];

  /**
   * @param before what of an object nobody has made
   * @param own what whoever creates `object` owns. Changes nothing here when it throws
   */
  *of(
    structure: Structure,
    before: unknown,
    object: unknown,
    filter: FieldFilter,
    own: () => Steps<FieldSet>,
  ): Steps<FieldSet> {
    const shapes = this.#shapes;
    const at = shapes.findIndex((known) => known.filter === filter && known.isOf(object));
    const [known] = at < 0 ? [] : shapes.splice(at, 1);
    if (known !== undefined) {
      shapes.unshift(known);
      return known.own;
    }
    const found = yield* own();
    const isOf = new Shaping().shapeOf(structure, before, object);
    if (isOf !== undefined) shapes.unshift({ isOf, filter, own: found });
    if (shapes.length > SHAPES_MAX) shapes.pop();
    return found;
  }
}

const ABSENT: Shape = (value) => value === undefined;
const PRESENT: Shape = (value) => value !== undefined;

/** One walk over an object. A shape is undefined when there are too many values in it, or it is one that no other object has. */
class Shaping {
  #values = 0;

  shapeOf(structure: Structure, before: unknown, value: unknown): Shape | undefined {
    if (++this.#values > VALUES_MAX) return undefined;
    if (value === undefined) return ABSENT;
    switch (partsOf(structure, value)) {
      case "whole":
        return whole(structure, before, value);
      case "fields":
        return this.#fields(structure, isJsonObject(before) ? before : {}, value as Readonly<Record<string, unknown>>);
      case "elements":
        return this.#elements(structure, before, value as readonly unknown[]);
    }
  }

  #fields(
    structure: Structure,
    before: Readonly<Record<string, unknown>>,
    fields: Readonly<Record<string, unknown>>,
  ): Shape | undefined {
    const names = Object.keys(fields);
    const below: Shape[] = [];
    for (const name of names) {
      const shape = this.shapeOf(fieldOf(structure, name), getOwn(before, name), fields[name]);
      if (shape === undefined) return undefined;
      below.push(shape);
    }
    return (value) => {
      if (!isJsonObject(value)) return false;
      let at = 0;
      for (const name in value) {
        if (names[at] !== name || below[at]?.(value[name]) !== true) return false;
        at++;
      }
      return at === names.length;
    };
  }

  #elements(structure: Structure, before: unknown, items: readonly unknown[]): Shape | undefined {
    if (Array.isArray(before) && before.length > 0) return undefined;
    const { element = UNKNOWN, is, keys } = structure;
    const below: Shape[] = [];
    for (const item of items) {
      const shape = this.shapeOf(element, undefined, item);
      if (shape === undefined) return undefined;
      below.push(shape);
    }
    const isSame =
      is === "set"
        ? (a: unknown, b: unknown): boolean => a === b
        : (a: unknown, b: unknown): boolean => keys.every((key) => keyOf(a, key) === keyOf(b, key));
    return (value) => {
      if (!Array.isArray(value) || value.length !== items.length) return false;
      return below.every((shape, i) => isSame(items[i], value[i]) && shape(value[i]));
    };
  }
}

function keyOf(item: unknown, key: string): unknown {
  return isJsonObject(item) ? getOwn(item, key) : undefined;
}

/** Of a value that is one piece. */
function whole(structure: Structure, before: unknown, value: unknown): Shape {
  if (structure.is !== "leaf" && structure.is !== "atomic" && structure.is !== "list") {
    return (other) => other !== undefined && partsOf(structure, other) === "whole";
  }
  if (before === undefined) return PRESENT;
  const isMade = !equalJson(before, value);
  return (other) => other !== undefined && equalJson(before, other) !== isMade;
}
