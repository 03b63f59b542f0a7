/**
 * Which file a module means by a name, as Node finds it.
 * Source: Node.js, "Modules: ECMAScript modules" (resolution algorithm) and "Modules: Packages".
 */
import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export type Format = "module" | "commonjs" | "json" | "unknown";
export type Way = "import" | "require";

interface Manifest {
  readonly name?: string;
  readonly main?: string;
  readonly type?: string;
  readonly exports?: unknown;
  readonly imports?: unknown;
}

const CONDITIONS: Readonly<Record<Way, ReadonlySet<string>>> = {
  import: new Set(["node", "import", "default"]),
  require: new Set(["node", "require", "default"]),
};
const EXTENSIONS = ["", ".js", ".json", ".cjs"];
const BARE = /^(@[^/]+\/[^/]+|[^@./][^/]*)(\/.*)?$/;

/** What the files of one exploration are; read once. */
export class Resolver {
  private readonly manifests = new Map<string, Manifest | undefined>();

  /** A file, or `node:…`. Errors: an Error in Node's words. */
  resolve(specifier: string, parent: string, way: Way): string {
    if (isBuiltin(specifier)) return specifier.startsWith("node:") ? specifier : `node:${specifier}`;
    const found = this.find(specifier, parent, way);
    if (found !== undefined) return realpathSync(found);
    throw Object.assign(
      new Error(
        `Cannot find ${way === "import" ? "package or module" : "module"} '${specifier}' imported from ${parent}`,
      ),
      {
        code: way === "import" ? "ERR_MODULE_NOT_FOUND" : "MODULE_NOT_FOUND",
      },
    );
  }

  formatOf(file: string): Format {
    if (file.endsWith(".mjs")) return "module";
    if (file.endsWith(".cjs")) return "commonjs";
    if (file.endsWith(".json")) return "json";
    const type = this.manifestAbove(file)?.manifest.type;
    return type === "module" || type === "commonjs" ? type : "unknown";
  }

  private find(specifier: string, parent: string, way: Way): string | undefined {
    if (specifier.startsWith("file:")) return existing(fileURLToPath(specifier));
    if (/^\.{0,2}\//.test(specifier) || specifier === "." || specifier === "..") {
      if (way === "require") return asFileOrDirectory(resolve(dirname(parent), specifier), (at) => this.manifest(at));
      return existing(fileURLToPath(new URL(specifier, pathToFileURL(parent))));
    }
    if (specifier.startsWith("#")) return this.internal(specifier, parent, way);
    const [, name, subpath = ""] = BARE.exec(specifier) ?? [];
    if (name === undefined) return undefined;
    const own = this.manifestAbove(parent);
    if (own?.manifest.name === name && own.manifest.exports !== undefined) {
      return this.exported(own.directory, own.manifest.exports, subpath, way);
    }
    for (let directory = dirname(parent); ; directory = dirname(directory)) {
      const found = join(directory, "node_modules", name);
      if (isDirectory(found)) return this.ofPackage(found, subpath, way);
      if (directory === dirname(directory)) return undefined;
    }
  }

  private ofPackage(directory: string, subpath: string, way: Way): string | undefined {
    const manifest = this.manifest(directory);
    if (manifest?.exports !== undefined) return this.exported(directory, manifest.exports, subpath, way);
    if (subpath === "") return asFileOrDirectory(directory, (at) => this.manifest(at));
    const path = join(directory, subpath);
    return way === "import" ? existing(path) : asFileOrDirectory(path, (at) => this.manifest(at));
  }

  private exported(directory: string, exports: unknown, subpath: string, way: Way): string | undefined {
    const isSugar =
      typeof exports !== "object" || exports === null || Array.isArray(exports) || !hasSubpaths(Object.keys(exports));
    const map = isSugar ? { ".": exports } : (exports as Readonly<Record<string, unknown>>);
    return this.mapped(directory, map, `.${subpath}`, way);
  }

  private internal(specifier: string, parent: string, way: Way): string | undefined {
    const own = this.manifestAbove(parent);
    const map = own?.manifest.imports;
    if (own === undefined || typeof map !== "object" || map === null) return undefined;
    const found = matching(map as Readonly<Record<string, unknown>>, specifier, CONDITIONS[way]);
    if (found === undefined) return undefined;
    return found.startsWith("./")
      ? existing(join(own.directory, found))
      : this.find(found, join(own.directory, "package.json"), way);
  }

  private mapped(
    directory: string,
    map: Readonly<Record<string, unknown>>,
    subpath: string,
    way: Way,
  ): string | undefined {
    const found = matching(map, subpath, CONDITIONS[way]);
    return found === undefined ? undefined : existing(join(directory, found));
  }

  private manifestAbove(file: string): { readonly directory: string; readonly manifest: Manifest } | undefined {
    for (let directory = dirname(file); ; directory = dirname(directory)) {
      const manifest = this.manifest(directory);
      if (manifest !== undefined) return { directory, manifest };
      if (directory === dirname(directory) || directory.endsWith("/node_modules")) return undefined;
    }
  }

  private manifest(directory: string): Manifest | undefined {
    if (!this.manifests.has(directory)) {
      const path = join(directory, "package.json");
      this.manifests.set(
        directory,
        existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Manifest) : undefined,
      );
    }
    return this.manifests.get(directory);
  }
}

function hasSubpaths(keys: readonly string[]): boolean {
  return keys.some((key) => key.startsWith("."));
}

/** The longest pattern wins. */
function matching(
  map: Readonly<Record<string, unknown>>,
  subpath: string,
  conditions: ReadonlySet<string>,
): string | undefined {
  if (Object.hasOwn(map, subpath) && !subpath.includes("*")) return targetOf(map[subpath], "", conditions);
  const patterns = Object.keys(map).filter((key) => key.includes("*"));
  patterns.sort((left, right) => right.indexOf("*") - left.indexOf("*") || right.length - left.length);
  for (const pattern of patterns) {
    const [before = "", after = ""] = pattern.split("*");
    if (!subpath.startsWith(before) || !subpath.endsWith(after) || subpath.length < pattern.length) continue;
    return targetOf(map[pattern], subpath.slice(before.length, subpath.length - after.length), conditions);
  }
  return undefined;
}

function targetOf(target: unknown, star: string, conditions: ReadonlySet<string>): string | undefined {
  if (typeof target === "string") return target.replaceAll("*", star);
  if (typeof target !== "object" || target === null) return undefined;
  const entries = Array.isArray(target)
    ? (target as readonly unknown[])
    : Object.entries(target).flatMap(([condition, each]) => (conditions.has(condition) ? [each as unknown] : []));
  for (const each of entries) {
    const found = targetOf(each, star, conditions);
    if (found !== undefined) return found;
  }
  return undefined;
}

function asFileOrDirectory(path: string, manifestOf: (directory: string) => Manifest | undefined): string | undefined {
  for (const extension of EXTENSIONS) {
    const file = existing(path + extension);
    if (file !== undefined) return file;
  }
  if (!isDirectory(path)) return undefined;
  const main = manifestOf(path)?.main;
  const named = main === undefined ? undefined : asFile(join(path, main));
  return named ?? asFile(join(path, "index"));
}

function asFile(path: string): string | undefined {
  for (const extension of EXTENSIONS) {
    const file = existing(path + extension);
    if (file !== undefined) return file;
  }
  return isDirectory(path) ? existing(join(path, "index.js")) : undefined;
}

function existing(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true ? path : undefined;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
