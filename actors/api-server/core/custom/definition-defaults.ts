/** Whether the defaults of a schema are values of it. Source: apiextensions-apiserver `apiserver/schema/defaulting/validation.go`. */
import { equalJson } from "../machinery/json-value.ts";
import type { FieldErrors } from "../machinery/validation/field-errors.ts";
import type { Pace, Steps } from "../steps.ts";
import { validateEmbedded } from "./embedded.ts";
import { Patterns } from "./patterns.ts";
import { prune } from "./pruning.ts";
import { rulePrograms } from "./rule-programs.ts";
import { DefaultRules } from "./rule-validation.ts";
import type { Schema } from "./schema.ts";
import { UNCORRELATED, causesOf, validateValue } from "./validate-value.ts";

export function* validateDefaults(schema: Schema, path: string, pace: Pace, errors: FieldErrors): Steps<void> {
  if (schema.has.defaults) yield* new DefaultWalk(pace, errors).walk(schema, path, false, true);
}

class DefaultWalk {
  readonly #pace: Pace;
  readonly #errors: FieldErrors;
  readonly #patterns = new Patterns();
  readonly #rules: DefaultRules;

  constructor(pace: Pace, errors: FieldErrors) {
    this.#pace = pace;
    this.#errors = errors;
    this.#rules = new DefaultRules((schema, root) => rulePrograms(schema, root, pace), pace, errors);
  }

  *walk(schema: Schema, path: string, inMetadata: boolean, root: boolean): Steps<void> {
    if (this.#pace.isDue()) yield;
    if (schema.default !== undefined) yield* this.#check(schema, `${path}.default`, inMetadata);
    const outside = inMetadata && !schema.embedded;
    if (schema.items?.has.defaults === true) yield* this.walk(schema.items, `${path}.items`, outside, false);
    for (const name of schema.properties.names) {
      const property = schema.properties.get(name);
      if (property?.has.defaults !== true) continue;
      const meta = (root || schema.embedded) && ["metadata", "apiVersion", "kind"].includes(name);
      yield* this.walk(property, `${path}.properties[${name}]`, outside || meta, false);
    }
  }

  *#check(schema: Schema, place: string, inMetadata: boolean): Steps<void> {
    const errors = this.#errors;
    const value = schema.default;
    if (!inMetadata && !equalJson(prune(value, schema, schema.embedded).value, value)) {
      errors.invalid(place, value, "must not have unknown fields");
    }
    const before = errors.causes.length;
    validateEmbedded(value, schema, place, errors);
    if (errors.causes.length > before) return;
    const problems = yield* validateValue(value, UNCORRELATED, schema, this.#patterns, this.#pace);
    errors.causes.push(...causesOf(problems, place));
    if (errors.causes.length === before) yield* this.#rules.check(value, schema, place);
  }
}
