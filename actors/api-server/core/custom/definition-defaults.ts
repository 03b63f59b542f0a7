/** Whether the defaults of a schema are values of it. Source: apiextensions-apiserver `apiserver/schema/defaulting/validation.go`. */
import { equalJson } from "../machinery/json-value.ts";
import type { FieldErrors } from "../machinery/validation/field-errors.ts";
import { validateEmbedded } from "./embedded.ts";
import { Patterns } from "./patterns.ts";
import { prune } from "./pruning.ts";
import { rulePrograms } from "./rule-programs.ts";
import { DefaultRules } from "./rule-validation.ts";
import type { Schema } from "./schema.ts";
import { UNCORRELATED, causesOf, validateValue } from "./validate-value.ts";

export function validateDefaults(schema: Schema, path: string, errors: FieldErrors): void {
  if (schema.has.defaults) new DefaultWalk(errors).walk(schema, path, false, true);
}

class DefaultWalk {
  readonly #errors: FieldErrors;
  readonly #patterns = new Patterns();
  readonly #rules: DefaultRules;

  constructor(errors: FieldErrors) {
    this.#errors = errors;
    this.#rules = new DefaultRules(rulePrograms, errors);
  }

  walk(schema: Schema, path: string, inMetadata: boolean, root: boolean): void {
    if (!schema.has.defaults) return;
    if (schema.default !== undefined) this.#check(schema, `${path}.default`, inMetadata);
    const outside = inMetadata && !schema.embedded;
    if (schema.items !== undefined) this.walk(schema.items, `${path}.items`, outside, false);
    for (const [name, property] of schema.properties) {
      const meta = (root || schema.embedded) && ["metadata", "apiVersion", "kind"].includes(name);
      this.walk(property, `${path}.properties[${name}]`, outside || meta, false);
    }
  }

  #check(schema: Schema, place: string, inMetadata: boolean): void {
    const errors = this.#errors;
    const value = schema.default;
    if (!inMetadata && !equalJson(prune(value, schema, schema.embedded).value, value)) {
      errors.invalid(place, value, "must not have unknown fields");
    }
    const before = errors.causes.length;
    validateEmbedded(value, schema, place, errors);
    if (errors.causes.length > before) return;
    errors.causes.push(...causesOf(validateValue(value, UNCORRELATED, schema, this.#patterns), place));
    if (errors.causes.length === before) this.#rules.check(value, schema, place);
  }
}
