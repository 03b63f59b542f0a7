/**
 * The files of a controller that is given as a module: each is read and compiled once, and evaluated anew for each incarnation,
 * with another clock, other timers and all else that it would have of the machine. So what a module keeps in its variables
 * ends with the incarnation, as with a process.
 *
 * The files are functions of one realm, whose parameters hide its globals: what one adds to a prototype of the language all see.
 */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";
import { InkubeError } from "../../../../protocols/errors.ts";
import type { ParsedModule } from "./esm.ts";
import { NAMES, parseModule, parseScript } from "./esm.ts";
import { Resolver } from "./resolve.ts";

/** What hides the realm's own in each file. */
export const HIDDEN = [
  "globalThis",
  "global",
  "process",
  "Date",
  "performance",
  "setTimeout",
  "clearTimeout",
  "setInterval",
  "clearInterval",
  "setImmediate",
  "clearImmediate",
  "Math",
  "crypto",
  "fetch",
  "AbortSignal",
  "console",
  "WeakRef",
  "FinalizationRegistry",
  "WebSocket",
  "EventSource",
  "MessageChannel",
  "BroadcastChannel",
] as const;

/** What an incarnation has of the world. */
export interface Surroundings {
  readonly globals: Readonly<Record<(typeof HIDDEN)[number], unknown>>;
  /** A module of Node; throws where there is none of that name. */
  builtin(name: string): object;
}

export type Namespace = Record<string, unknown>;
export type EsmFactory = (
  /** Of what it imports, in order; or, where names are looked up at each use, an object that has them. */
  imports: readonly Namespace[] | object,
  dynamicImport: (specifier: string) => Promise<Namespace>,
  meta: object,
  expose: (getters: Readonly<Record<string, () => unknown>>) => void,
  ...globals: readonly unknown[]
) => () => void | Promise<void>;
export type CjsFactory = (
  dynamicImport: (specifier: string) => Promise<Namespace>,
  ...globals: readonly unknown[]
) => (...args: readonly unknown[]) => void;

export interface EsmUnit {
  readonly kind: "module";
  readonly file: string;
  readonly parsed: ParsedModule;
  /** By specifier. */
  readonly links: Map<string, string>;
  /** `late`: names that it imports are looked up anew at each use. */
  readonly factory: (late: boolean) => EsmFactory;
}

export type Unit =
  | EsmUnit
  | { readonly kind: "commonjs"; readonly file: string; readonly factory: CjsFactory }
  | { readonly kind: "json"; readonly file: string; readonly text: string }
  | { readonly kind: "builtin"; readonly file: string };

/** Where the value of an export is; `name` is `*` for a whole namespace. */
export interface ExportedName {
  readonly file: string;
  readonly name: string;
}

export interface Exports {
  readonly names: ReadonlyMap<string, ExportedName>;
  /** Of what is no ECMAScript module: its names are known when it has been evaluated. */
  readonly others: readonly string[];
}

const HOPS_MAX = 1_000;

export class Program {
  readonly entry: string;
  private readonly resolver = new Resolver();
  private readonly units = new Map<string, Unit>();
  private readonly orders = new Map<string, readonly Unit[]>();
  private readonly exported = new Map<string, Exports>();

  /** Errors: CONTROLLER_FAILED for a file that can't be found, read or compiled. */
  constructor(entry: string) {
    try {
      this.entry = this.resolver.resolve(pathToFileURL(entry).href, entry, "import");
    } catch (error) {
      throw failed(entry, new Error("there is no such file", { cause: error }));
    }
    this.order(this.entry);
  }

  resolve(specifier: string, parent: string, way: "import" | "require"): string {
    return this.resolver.resolve(specifier, parent, way);
  }

  unit(file: string): Unit {
    let unit = this.units.get(file);
    if (unit === undefined) {
      unit = file.startsWith("node:") ? { kind: "builtin", file } : this.read(file);
      this.units.set(file, unit);
    }
    return unit;
  }

  /** What is evaluated before a file, and the file: each after what it imports. */
  order(file: string): readonly Unit[] {
    const known = this.orders.get(file);
    if (known !== undefined) return known;
    const order: Unit[] = [];
    const seen = new Set<string>();
    const visit = (each: string): void => {
      if (seen.has(each)) return;
      seen.add(each);
      const unit = this.unit(each);
      if (unit.kind === "module") for (const link of unit.links.values()) visit(link);
      order.push(unit);
    };
    visit(file);
    this.orders.set(file, order);
    return order;
  }

  /** Of an ECMAScript module. */
  exportsOf(unit: EsmUnit): Exports {
    let found = this.exported.get(unit.file);
    if (found === undefined) {
      found = this.collect(unit, new Set());
      this.exported.set(unit.file, found);
    }
    return found;
  }

  /** The file that declares it; undefined where nobody does. */
  origin(where: ExportedName | undefined): ExportedName | undefined {
    let found = where;
    // A ring of `export … from` has no end.
    for (let hops = 0; found !== undefined && hops < HOPS_MAX; hops++) {
      const unit = this.unit(found.file);
      if (found.name === "*" || unit.kind !== "module" || unit.parsed.exports.has(found.name)) return found;
      found = this.exportsOf(unit).names.get(found.name);
    }
    return undefined;
  }

  private collect({ file, parsed, links }: EsmUnit, seen: Set<string>): Exports {
    seen.add(file);
    const names = new Map<string, ExportedName>();
    const others: string[] = [];
    for (const name of parsed.exports.keys()) names.set(name, { file, name });
    for (const { exported, specifier, name } of parsed.reexports) {
      const from = this.unit(links.get(specifier)!);
      names.set(exported, { file: from.file, name });
    }
    for (const specifier of parsed.stars) {
      const from = this.unit(links.get(specifier)!);
      if (from.kind !== "module") others.push(from.file);
      else if (!seen.has(from.file)) {
        const theirs = this.collect(from, seen);
        for (const [name, where] of theirs.names) if (name !== "default" && !names.has(name)) names.set(name, where);
        others.push(...theirs.others);
      }
    }
    return { names, others };
  }

  private read(file: string): Unit {
    try {
      return this.compile(file, readFileSync(file, "utf8"));
    } catch (error) {
      throw failed(file, error);
    }
  }

  private compile(file: string, text: string): Unit {
    const format = this.resolver.formatOf(file);
    if (format === "json") return { kind: "json", file, text };
    if (/\.(node|wasm|[mc]?tsx?)$/.test(file))
      throw new Error("only JavaScript and JSON can be simulated; compile it first");
    const parsed = moduleOf(text, format);
    if (parsed === undefined) {
      // Only for `import()`, which is rare there.
      const source = /\bimport\s*\(/.test(text) ? parseScript(text).body : withoutHashbang(text);
      const hidden = [NAMES.import, ...HIDDEN].join(", ");
      const args = "exports, require, module, __filename, __dirname";
      const whole = `(function (${hidden}) { return function (${args}) {${source}\n}; })`;
      return { kind: "commonjs", file, factory: compiled(whole, file) as CjsFactory };
    }
    const links = new Map<string, string>();
    for (const { specifier } of parsed.imports) links.set(specifier, this.resolve(specifier, file, "import"));
    const compile = (late: boolean): EsmFactory => compiled(textOf(parsed, late), file) as EsmFactory;
    const prompt = compile(false);
    let late: EsmFactory | undefined;
    const factory = (isLate: boolean): EsmFactory => (isLate ? (late ??= compile(true)) : prompt);
    return { kind: "module", file, parsed, links, factory };
  }
}

function failed(file: string, error: unknown): InkubeError {
  if (error instanceof InkubeError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new InkubeError("CONTROLLER_FAILED", `the module ${file} can't be loaded: ${why}`, { cause: error });
}

function withoutHashbang(text: string): string {
  return text.startsWith("#!") ? `//${text}` : text;
}

function compiled(text: string, file: string): unknown {
  return new Script(text, { filename: file }).runInThisContext() as unknown;
}

/** Undefined for CommonJS. */
function moduleOf(text: string, format: "module" | "commonjs" | "unknown"): ParsedModule | undefined {
  if (format === "commonjs") return undefined;
  try {
    const parsed = parseModule(text);
    return format === "module" || parsed.isModule ? parsed : undefined;
  } catch (error) {
    // What modules may not hold, scripts may: `with`, say.
    if (format === "unknown" && isScript(text)) return undefined;
    throw error;
  }
}

function isScript(text: string): boolean {
  try {
    parseScript(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param late names that are imported are looked up at each use: in a ring of modules they get their values only later, and a
 * variable may change. `with` does that, and a strict function may stand within it.
 */
function textOf({ body, exports, imports, awaits }: ParsedModule, late: boolean): string {
  const getters = [...exports].map(([name, local]) => `${JSON.stringify(name)}: () => ${local}`).join(", ");
  const expose = `$inkubeExpose({ __proto__: null, ${getters} });`;
  const inner = `return ${awaits ? "async " : ""}function () { "use strict"; ${expose}${body}\n};`;
  const args = `$inkubeImports, ${NAMES.import}, ${NAMES.meta}, $inkubeExpose, ${HIDDEN.join(", ")}`;
  if (late) return `(function (${args}) { with ($inkubeImports) { ${inner} } })`;
  const names = imports.flatMap((each, index) =>
    each.names.map(({ name, local }) => {
      const from = `$inkubeImports[${index}]`;
      return `${local} = ${name === "*" ? from : `${from}[${JSON.stringify(name)}]`}`;
    }),
  );
  const constants = names.length === 0 ? "" : `const ${names.join(", ")};`;
  // In a block of their own: what is imported may have the name of what is hidden.
  return `(function (${args}) { { ${constants} ${inner} } })`;
}
