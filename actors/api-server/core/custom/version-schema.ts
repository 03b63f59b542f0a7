/** What is made of the schema of a version, each part when it is first asked for: most definitions are installed and hardly used. */
import type { CustomResourceDefinitionVersion } from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import { Patterns } from "./patterns.ts";
import type { Schema } from "./schema.ts";
import { ANY, parseSchema } from "./schema.ts";

export class VersionSchema {
  readonly patterns: Patterns = new Patterns();
  readonly #version: CustomResourceDefinitionVersion;
  #root: Schema | undefined;

  constructor(version: CustomResourceDefinitionVersion) {
    this.#version = version;
  }

  get root(): Schema {
    return (this.#root ??= this.#parsed());
  }

  #parsed(): Schema {
    const props = this.#version.schema?.openAPIV3Schema;
    return props === undefined ? ANY : parseSchema(props);
  }
}
