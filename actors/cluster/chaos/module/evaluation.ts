/** The modules of a program as one incarnation has them: their variables, and what has been evaluated. */
import { builtinModules, isBuiltin } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { ParsedModule } from "./esm.ts";
import type { EsmUnit, ExportedName, Namespace, Program, Surroundings, Unit } from "./program.ts";
import { HIDDEN } from "./program.ts";

type Getters = Readonly<Record<string, () => unknown>>;
type PlainUnit = Exclude<Unit, EsmUnit>;

interface CjsModule {
  exports: unknown;
  loaded: boolean;
  readonly id: string;
  readonly filename: string;
  readonly children: readonly unknown[];
  readonly paths: readonly string[];
}

export class Evaluation {
  private readonly program: Program;
  private readonly surroundings: Surroundings;
  private readonly globals: readonly unknown[];
  private readonly namespaces = new Map<string, Namespace>();
  private readonly getters = new Map<string, Getters>();
  private readonly modules = new Map<string, CjsModule>();
  /** The entry, where it is CommonJS. */
  private main: CjsModule | undefined;
  private readonly begun = new Set<string>();
  private readonly finished = new Set<string>();
  /** Of those that wait at their top level. */
  private readonly waiting = new Map<string, Promise<void>>();

  constructor(program: Program, surroundings: Surroundings) {
    this.program = program;
    this.surroundings = surroundings;
    this.globals = HIDDEN.map((name) => surroundings.globals[name]);
  }

  /** Evaluates a file, and before it what it imports. Rejects with what one of them throws. */
  async import(file: string): Promise<Namespace> {
    for (const unit of this.program.order(file)) {
      const running = this.waiting.get(unit.file) ?? this.run(unit);
      if (running !== undefined) await running;
    }
    return this.namespace(file);
  }

  /** `require` of a file; also what `createRequire` gives. */
  require(parent: string): object {
    const resolve = (specifier: string): string => {
      const found = this.program.resolve(specifier, parent, "require");
      return found.startsWith("node:") ? specifier : found;
    };
    const require = (specifier: string): unknown => {
      const unit = this.program.unit(this.program.resolve(specifier, parent, "require"));
      if (unit.kind !== "module") return this.valueOf(unit);
      for (const each of this.program.order(unit.file)) {
        if (each.kind === "module" && each.parsed.awaits && !this.finished.has(each.file)) {
          const message = `require() cannot be used on an ESM graph with top-level await: ${each.file}`;
          throw Object.assign(new Error(message), { code: "ERR_REQUIRE_ASYNC_MODULE" });
        }
        void this.run(each);
      }
      return this.namespace(unit.file);
    };
    const main = this.main;
    return Object.assign(require, { resolve, cache: {}, main });
  }

  /** A promise where the file waits. */
  private run(unit: Unit): Promise<void> | undefined {
    if (this.begun.has(unit.file)) return undefined;
    this.begun.add(unit.file);
    if (unit.kind !== "module") {
      this.valueOf(unit);
      this.finished.add(unit.file);
      return undefined;
    }
    const { file, parsed, links } = unit;
    const imports = parsed.imports.map(({ specifier }) => this.namespace(links.get(specifier)!));
    const late = this.isLate(unit);
    const importFrom = this.importFrom(file);
    const expose = (getters: Getters): void => void this.getters.set(file, getters);
    const given = late ? lateNames(parsed, imports) : imports;
    const outcome = unit.factory(late)(given, importFrom, this.meta(file), expose, ...this.globals)();
    if (outcome === undefined) {
      this.finished.add(file);
      return undefined;
    }
    const running = outcome.then(() => void this.finished.add(file));
    this.waiting.set(file, running);
    return running;
  }

  /** `import()` of a file. */
  private importFrom(file: string): (specifier: unknown) => Promise<Namespace> {
    return async (specifier) => this.import(this.program.resolve(String(specifier), file, "import"));
  }

  /** Whether a name that it imports has no value yet, or may get another. */
  private isLate({ parsed, links }: EsmUnit): boolean {
    return parsed.imports.some(({ specifier, names }) => {
      const from = this.program.unit(links.get(specifier)!);
      if (from.kind !== "module" || names.length === 0) return false;
      const exported = this.program.exportsOf(from).names;
      return names.some(({ name }) => this.isOpen(exported.get(name)));
    });
  }

  private isOpen(exported: ExportedName | undefined): boolean {
    const where = this.program.origin(exported);
    if (where === undefined || where.name === "*") return false;
    const unit = this.program.unit(where.file);
    return unit.kind === "module" && (!this.finished.has(where.file) || unit.parsed.mutable.has(where.name));
  }

  private namespace(file: string): Namespace {
    const known = this.namespaces.get(file);
    if (known !== undefined) return known;
    const unit = this.program.unit(file);
    const namespace = Object.create(null) as Namespace;
    Object.defineProperty(namespace, Symbol.toStringTag, { value: "Module" });
    this.namespaces.set(file, namespace);
    if (unit.kind === "module") {
      const { names, others } = this.program.exportsOf(unit);
      for (const [name, where] of names) define(namespace, name, () => this.get(where));
      for (const other of others) {
        const theirs = this.namespace(other);
        for (const name of Object.keys(theirs)) {
          if (name !== "default" && !names.has(name)) define(namespace, name, () => theirs[name]);
        }
      }
    } else {
      const value = this.valueOf(unit);
      define(namespace, "default", () => this.valueOf(unit));
      if ((typeof value === "object" && value !== null) || typeof value === "function") {
        for (const name of Object.keys(value)) {
          if (name !== "default") define(namespace, name, () => (this.valueOf(unit) as Namespace)[name]);
        }
      }
    }
    return namespace;
  }

  private get(exported: ExportedName): unknown {
    const where = this.program.origin(exported);
    if (where === undefined) return undefined;
    const { file, name } = where;
    if (name === "*") return this.namespace(file);
    if (this.program.unit(file).kind !== "module") return this.namespace(file)[name];
    const getter = this.getters.get(file)?.[name];
    if (getter === undefined) throw new ReferenceError(`Cannot access '${name}' before initialization`);
    return getter();
  }

  private valueOf(unit: PlainUnit): unknown {
    if (unit.kind === "builtin") {
      const name = unit.file.slice("node:".length);
      return name === "module"
        ? { createRequire: (from: string | URL) => this.require(pathOf(from)), builtinModules, isBuiltin }
        : this.surroundings.builtin(name);
    }
    const known = this.modules.get(unit.file);
    if (known !== undefined) return known.exports;
    const { file } = unit;
    const isMain = file === this.program.entry;
    const module: CjsModule = {
      exports: {},
      id: isMain ? "." : file,
      filename: file,
      loaded: false,
      children: [],
      paths: [],
    };
    this.modules.set(file, module);
    if (isMain) this.main = module;
    if (unit.kind === "json") module.exports = JSON.parse(unit.text) as unknown;
    else {
      const body = unit.factory(this.importFrom(file), ...this.globals);
      Reflect.apply(body, module.exports, [module.exports, this.require(file), module, file, dirname(file)]);
    }
    module.loaded = true;
    return module.exports;
  }

  private meta(file: string): object {
    const resolve = (specifier: string): string => {
      const found = this.program.resolve(specifier, file, "import");
      return found.startsWith("node:") ? found : pathToFileURL(found).href;
    };
    return { __proto__: null, url: pathToFileURL(file).href, filename: file, dirname: dirname(file), resolve };
  }
}

function pathOf(from: string | URL): string {
  return String(from).startsWith("file:") ? fileURLToPath(from) : String(from);
}

function define(namespace: Namespace, name: string, get: () => unknown): void {
  Object.defineProperty(namespace, name, { enumerable: true, configurable: true, get });
}

function lateNames({ imports }: ParsedModule, namespaces: readonly Namespace[]): object {
  const late = Object.create(null) as Namespace;
  imports.forEach(({ names }, index) => {
    const namespace = namespaces[index]!;
    for (const { name, local } of names) define(late, local, () => (name === "*" ? namespace : namespace[name]));
  });
  return late;
}
