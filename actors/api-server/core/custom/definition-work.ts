/**
 * What it takes to look at the schemas of a definition, which happens in one turn, and what is compiled of them later, in the turn of an
 * object. Kubernetes has threads for it, and takes half a minute for 5,000 rules; here everybody else would wait for so long, so such
 * definitions are refused. The weights were measured on definitions that are made to be expensive.
 */
import type { JSONSchemaProps } from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import { patternSize } from "./patterns.ts";
import { partsOf } from "./schema-walk.ts";

/** In microseconds. The schemas of 1 MB that people write take half of it. */
const WORK_MAX = 1_500_000;
const PER_SCHEMA = 28;
/** Of the types that the rules of a schema may speak of: its own, and all below. */
const PER_TYPE = 4;
/** Of a rule: what is hardest are macros within macros. */
const PER_CHAR = 20;
/** Of the program that a pattern becomes; it is compiled three times at most. */
const PER_INSTRUCTION = 3;

/** Why the schemas are not looked at; undefined: they are. */
export function tooMuchWork(schemas: readonly JSONSchemaProps[]): string | undefined {
  const walk = new WorkWalk();
  for (const schema of schemas) walk.add(schema);
  return walk.work <= WORK_MAX
    ? undefined
    : "checking the schemas would take too long: use fewer properties, shorter rules and patterns, and rules deeper in the schema";
}

class WorkWalk {
  work = 0;

  /** @returns how many schemas there are, this one and below; fewer when it is too much already */
  add(schema: JSONSchemaProps): number {
    let count = 1;
    if (this.work > WORK_MAX) return count;
    this.work += PER_SCHEMA;
    const { pattern = "", "x-kubernetes-validations": rules = [] } = schema;
    if (pattern !== "") this.work += patternSize(pattern) * PER_INSTRUCTION;
    for (const below of partsOf(schema)) count += this.add(below);
    if (rules.length > 0) this.work += count * PER_TYPE;
    for (const { rule, messageExpression = "" } of rules)
      this.work += (rule.length + messageExpression.length) * PER_CHAR;
    return count;
  }
}
