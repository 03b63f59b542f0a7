/**
 * An ECMAScript module as the text of a function: its imports and exports are taken out and told apart, everything else stays
 * where it stood, line by line.
 * Source: ECMA-262, 16.2 (modules).
 */
import type {
  ExportAllDeclaration,
  ExportDefaultDeclaration,
  ExportNamedDeclaration,
  Identifier,
  ImportDeclaration,
  Literal,
  Node,
  Pattern,
  VariableDeclaration,
} from "acorn";
import { parse, tokenizer, tokTypes } from "acorn";

export interface ImportedName {
  /** `default`, `*` for the whole namespace, or a name. */
  readonly name: string;
  readonly local: string;
}

export interface Import {
  readonly specifier: string;
  readonly names: readonly ImportedName[];
}

/** `export { name as exported } from specifier`; `name` is `*` for a namespace. */
export interface Reexport {
  readonly exported: string;
  readonly specifier: string;
  readonly name: string;
}

export interface ParsedModule {
  /** The source without its imports and exports. */
  readonly body: string;
  /** Whether it has imports, exports or `import.meta`, or waits at its top level: else it may be a script. */
  readonly isModule: boolean;
  /** In order; also those of `export … from`. */
  readonly imports: readonly Import[];
  /** Exported name to the expression within the body that gives its value. */
  readonly exports: ReadonlyMap<string, string>;
  readonly reexports: readonly Reexport[];
  /** Of `export * from`. */
  readonly stars: readonly string[];
  /** Exports that may change later on. */
  readonly mutable: ReadonlySet<string>;
  /** Whether it waits at its top level. */
  readonly awaits: boolean;
}

/** Stands for `import()` and `import.meta` in the body, and for what is exported as the default. */
export const NAMES = { import: "$inkubeImport", meta: "$inkubeMeta", default: "$inkubeDefault" } as const;

const OPTIONS = { ecmaVersion: "latest", allowHashBang: true, preserveParens: true } as const;

/** Errors: SyntaxError. */
export function parseModule(source: string): ParsedModule {
  return new Parsing(source, "module").run();
}

/** A CommonJS module, as a script: only its `import()` is replaced. Errors: SyntaxError. */
export function parseScript(source: string): ParsedModule {
  return new Parsing(source, "script").run();
}

/** Without a match there is no `await`, `import()` or `import.meta`; a comment may stand before the parenthesis or the dot. */
const MAY_WAIT_OR_IMPORT = /\bawait\b|\bimport\s*[(./]/;

interface Cut {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

class Parsing {
  private readonly source: string;
  private readonly kind: "module" | "script";
  private readonly cuts: Cut[] = [];
  private readonly imports: Import[] = [];
  private readonly exports = new Map<string, string>();
  private readonly reexports: Reexport[] = [];
  private readonly stars: string[] = [];
  /** Names declared with `let` and `var` at the top level. */
  private readonly variables = new Set<string>();
  private isModule = false;
  private awaits = false;

  constructor(source: string, kind: "module" | "script") {
    this.source = source;
    this.kind = kind;
  }

  run(): ParsedModule {
    const nodes = this.statements();
    for (const node of nodes) this.statement(node);
    // A look at each node costs a quarter of the parsing, and few files have any of it.
    if (MAY_WAIT_OR_IMPORT.test(this.source)) for (const node of nodes) this.within(node, false);
    const mutable = [...this.exports].filter(([, local]) => this.variables.has(local)).map(([name]) => name);
    return {
      body: this.body(),
      isModule: this.isModule || this.awaits,
      imports: this.imports,
      exports: this.exports,
      reexports: this.reexports,
      stars: this.stars,
      mutable: new Set(mutable),
      awaits: this.awaits,
    };
  }

  private statements(): ReturnType<typeof parse>["body"] {
    const isScript = this.kind === "script";
    try {
      return parse(this.source, { ...OPTIONS, sourceType: this.kind, allowReturnOutsideFunction: isScript }).body;
    } catch (error) {
      const { message, loc } = error as SyntaxError & { readonly loc: { readonly line: number } };
      throw new SyntaxError(`line ${loc.line}: ${message.replace(/ \(\d+:\d+\)$/, "")}`, { cause: error });
    }
  }

  private body(): string {
    let text = "";
    let from = 0;
    if (this.source.startsWith("#!")) {
      text = "//";
      from = 2;
    }
    for (const { start, end, text: instead } of this.cuts.sort((a, b) => a.start - b.start)) {
      const lines = this.source.slice(start, end).split("\n").length - 1;
      text += `${this.source.slice(from, start)}${instead}${"\n".repeat(lines)}`;
      from = end;
    }
    return text + this.source.slice(from);
  }

  private statement(node: ReturnType<typeof parse>["body"][number]): void {
    if (node.type === "ImportDeclaration") this.importing(node);
    else if (node.type === "ExportAllDeclaration") this.exportingAll(node);
    else if (node.type === "ExportNamedDeclaration") this.exporting(node);
    else if (node.type === "ExportDefaultDeclaration") this.exportingDefault(node);
    else if (node.type === "VariableDeclaration") this.declared(node);
  }

  private importing(node: ImportDeclaration): void {
    const names = node.specifiers.map((each): ImportedName => {
      const local = each.local.name;
      if (each.type === "ImportSpecifier") return { name: nameOf(each.imported), local };
      return { name: each.type === "ImportDefaultSpecifier" ? "default" : "*", local };
    });
    this.imports.push({ specifier: textOf(node.source), names });
    this.takeOut(node);
  }

  private exportingAll(node: ExportAllDeclaration): void {
    const specifier = textOf(node.source);
    this.imports.push({ specifier, names: [] });
    if (node.exported == null) this.stars.push(specifier);
    else this.reexports.push({ exported: nameOf(node.exported), specifier, name: "*" });
    this.takeOut(node);
  }

  private exporting(node: ExportNamedDeclaration): void {
    const { declaration, source, specifiers } = node;
    if (declaration != null) {
      this.isModule = true;
      this.cut(node.start, declaration.start, "");
      const names = declaration.type === "VariableDeclaration" ? this.declared(declaration) : [declaration.id.name];
      for (const name of names) this.exports.set(name, name);
      return;
    }
    const from = source == null ? undefined : textOf(source);
    if (from !== undefined) this.imports.push({ specifier: from, names: [] });
    for (const { exported, local } of specifiers) {
      if (from === undefined) this.exports.set(nameOf(exported), nameOf(local));
      else this.reexports.push({ exported: nameOf(exported), specifier: from, name: nameOf(local) });
    }
    this.takeOut(node);
  }

  private exportingDefault(node: ExportDefaultDeclaration): void {
    const { declaration } = node;
    this.isModule = true;
    if (declaration.type !== "FunctionDeclaration" && declaration.type !== "ClassDeclaration") {
      this.exports.set("default", NAMES.default);
      this.cut(node.start, declaration.start, `const ${NAMES.default} = `);
      return;
    }
    this.cut(node.start, declaration.start, "");
    this.exports.set("default", declaration.id?.name ?? NAMES.default);
    if (declaration.id != null) return;
    const at =
      declaration.type === "ClassDeclaration" ? declaration.start + "class".length : this.parametersOf(declaration);
    this.cut(at, at, ` ${NAMES.default}`);
  }

  /** Where the parameters of a function without a name begin. */
  private parametersOf({ start, end }: Node): number {
    for (const { type, start: at } of tokenizer(this.source.slice(start, end), OPTIONS)) {
      if (type === tokTypes.parenL) return start + at;
    }
    throw new SyntaxError("a function without parameters");
  }

  private declared({ kind, declarations }: VariableDeclaration): readonly string[] {
    const names = declarations.flatMap(({ id }) => bound(id));
    if (kind === "let" || kind === "var") for (const name of names) this.variables.add(name);
    if (kind === "await using") this.awaits = true;
    return names;
  }

  /** Replaces `import()` and `import.meta`, wherever they are. */
  private within(node: Node, inFunction: boolean): void {
    if (node.type === "MetaProperty") {
      // The other is `new.target`.
      if (!this.source.startsWith("import", node.start)) return;
      this.isModule = true;
      return this.cut(node.start, node.end, NAMES.meta);
    }
    if (node.type === "ImportExpression") this.cut(node.start, node.start + "import".length, NAMES.import);
    const waits = node.type === "AwaitExpression" || (node.type === "ForOfStatement" && "await" in node && node.await);
    if (waits && !inFunction) this.awaits = true;
    const isFunction = node.type.endsWith("FunctionExpression") || node.type === "FunctionDeclaration";
    for (const child of Object.values(node) as readonly unknown[]) {
      for (const each of Array.isArray(child) ? (child as readonly unknown[]) : [child]) {
        if (isNode(each)) this.within(each, inFunction || isFunction);
      }
    }
  }

  private takeOut(node: Node): void {
    this.isModule = true;
    this.cut(node.start, node.end, ";");
  }

  private cut(start: number, end: number, text: string): void {
    this.cuts.push({ start, end, text });
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as Partial<Node>).type === "string";
}

/** The names that a pattern declares. */
function bound(pattern: Pattern): readonly string[] {
  switch (pattern.type) {
    case "Identifier":
      return [pattern.name];
    case "ObjectPattern":
      return pattern.properties.flatMap((each) => bound(each.type === "RestElement" ? each.argument : each.value));
    case "ArrayPattern":
      return pattern.elements.flatMap((each) => (each === null ? [] : bound(each)));
    case "RestElement":
      return bound(pattern.argument);
    case "AssignmentPattern":
      return bound(pattern.left);
    case "MemberExpression":
      return [];
  }
}

/** Of an import or export: it may be a string. */
function nameOf(node: Identifier | Literal): string {
  return node.type === "Identifier" ? node.name : String(node.value);
}

function textOf({ value }: Literal): string {
  return String(value);
}
