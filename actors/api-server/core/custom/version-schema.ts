/** What is made of the schema of a version, each part when it is first asked for: most definitions are installed and hardly used. */
import type { CustomResourceDefinitionVersion } from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import { jsonChars } from "../machinery/json-value.ts";
import type { Stepped, Steps } from "../steps.ts";
import { Pace } from "../steps.ts";
import type { Structure } from "../structure/structure.ts";
import { Patterns } from "./patterns.ts";
import type { RuleProgram } from "./rule-programs.ts";
import { rulePrograms } from "./rule-programs.ts";
import type { Schema } from "./schema.ts";
import { ANY, parseSchema } from "./schema.ts";
import { structureOfSchema } from "./schema-structure.ts";

/** What the schemas of one server may hold that is made of them. */
const KEPT_BYTES_MAX = 134_217_728;
/** About, of a character of a schema, and of one of a rule. */
const BYTES_OF_A_CHAR = 12;
const BYTES_OF_A_RULE_CHAR = 60;

/** What is made of the schemas of a server. When it is too much, what was not used for longest is made again when it is asked for. */
export class KeptSchemas {
  readonly patterns: Patterns = new Patterns();
  readonly #sizes = new Map<VersionSchema, number>();
  #bytes = 0;
  #newest: VersionSchema | undefined;

  /** About what is made of all of them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of a definition that is no more, or is another one now. Who is still at work with them has them made again. */
  letGo(schemas: SchemasByVersion): void {
    for (const schema of schemas.values()) {
      this.#bytes -= this.#sizes.get(schema) ?? 0;
      this.#sizes.delete(schema);
      if (this.#newest === schema) this.#newest = undefined;
      schema.forget();
    }
  }

  /** @param bytes by which what is made of it has become larger */
  use(schema: VersionSchema, bytes: number = 0): void {
    if (this.#newest === schema && bytes === 0) return;
    const size = (this.#sizes.get(schema) ?? 0) + bytes;
    this.#sizes.delete(schema);
    this.#sizes.set(schema, size);
    this.#newest = schema;
    this.#bytes += bytes;
    for (const [oldest, its] of this.#sizes) {
      if (this.#bytes <= KEPT_BYTES_MAX || oldest === schema) return;
      this.#sizes.delete(oldest);
      this.#bytes -= its;
      oldest.forget();
    }
  }
}

export class VersionSchema {
  readonly #version: CustomResourceDefinitionVersion;
  readonly #kept: KeptSchemas;
  #programs = new WeakMap<Schema, readonly RuleProgram[]>();
  #root: Schema | undefined;
  #structure: Structure | undefined;

  constructor(version: CustomResourceDefinitionVersion, kept: KeptSchemas) {
    this.#version = version;
    this.#kept = kept;
  }

  get patterns(): Patterns {
    return this.#kept.patterns;
  }

  get root(): Schema {
    if (this.#root === undefined) {
      this.#root = this.#parsed();
      this.#kept.use(this, jsonChars(this.#version, KEPT_BYTES_MAX) * BYTES_OF_A_CHAR);
    } else this.#kept.use(this);
    return this.#root;
  }

  /** How objects are merged and owned. */
  get structure(): Structure {
    return (this.#structure ??= structureOfSchema(this.root, true));
  }

  /** The rules of a part of the schema. */
  readonly programsOf = (schema: Schema, root: boolean): Stepped<readonly RuleProgram[]> =>
    this.#programs.get(schema) ?? this.#compiled(schema, root);

  forget(): void {
    this.#root = undefined;
    this.#structure = undefined;
    this.#programs = new WeakMap();
  }

  *#compiled(schema: Schema, root: boolean): Steps<readonly RuleProgram[]> {
    const programs = yield* rulePrograms(schema, root, new Pace());
    this.#programs.set(schema, programs);
    const chars = schema.rules.reduce(
      (sum, { rule, messageExpression = "" }) => sum + rule.length + messageExpression.length,
      0,
    );
    this.#kept.use(this, chars * BYTES_OF_A_RULE_CHAR);
    return programs;
  }

  #parsed(): Schema {
    const props = this.#version.schema?.openAPIV3Schema;
    return props === undefined ? ANY : parseSchema(props);
  }
}

/** Of all versions of a definition, by their names. */
export type SchemasByVersion = ReadonlyMap<string, VersionSchema>;

export function schemasOf(versions: readonly CustomResourceDefinitionVersion[], kept: KeptSchemas): SchemasByVersion {
  return new Map(versions.map((version) => [version.name, new VersionSchema(version, kept)]));
}

export function schemaIn(schemas: SchemasByVersion, version: CustomResourceDefinitionVersion): VersionSchema {
  return schemas.get(version.name) ?? new VersionSchema(version, new KeptSchemas());
}
