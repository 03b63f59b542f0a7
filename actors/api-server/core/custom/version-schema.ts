/** What is made of the schema of a version, each part when it is first asked for: most definitions are installed and hardly used. */
import type { CustomResourceDefinitionVersion } from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { Stepped, Steps } from "../steps.ts";
import { Pace } from "../steps.ts";
import { Patterns } from "./patterns.ts";
import type { RuleProgram } from "./rule-programs.ts";
import { rulePrograms } from "./rule-programs.ts";
import type { Schema } from "./schema.ts";
import { ANY, parseSchema } from "./schema.ts";

export class VersionSchema {
  readonly patterns: Patterns = new Patterns();
  readonly #version: CustomResourceDefinitionVersion;
  readonly #programs = new Map<Schema, readonly RuleProgram[]>();
  #root: Schema | undefined;

  constructor(version: CustomResourceDefinitionVersion) {
    this.#version = version;
  }

  get root(): Schema {
    return (this.#root ??= this.#parsed());
  }

  /** The rules of a part of the schema. */
  readonly programsOf = (schema: Schema, root: boolean): Stepped<readonly RuleProgram[]> =>
    this.#programs.get(schema) ?? this.#compiled(schema, root);

  *#compiled(schema: Schema, root: boolean): Steps<readonly RuleProgram[]> {
    const programs = yield* rulePrograms(schema, root, new Pace());
    this.#programs.set(schema, programs);
    return programs;
  }

  #parsed(): Schema {
    const props = this.#version.schema?.openAPIV3Schema;
    return props === undefined ? ANY : parseSchema(props);
  }
}

/** Of all versions of a definition, by their names. */
export type SchemasByVersion = ReadonlyMap<string, VersionSchema>;

export function schemasOf(versions: readonly CustomResourceDefinitionVersion[]): SchemasByVersion {
  return new Map(versions.map((version) => [version.name, new VersionSchema(version)]));
}

export function schemaIn(schemas: SchemasByVersion, version: CustomResourceDefinitionVersion): VersionSchema {
  return schemas.get(version.name) ?? new VersionSchema(version);
}
