/**
 * Loads an actor's bundle, through V8's code cache when there is a fitting one. That halves the time in which a whole
 * cluster's threads come up. The cache is made after the first start, when the functions that a start needs are compiled,
 * and lies beside the bundle under a name that carries the V8 version.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";
import { threadId } from "node:worker_threads";

export interface LoadedBundle {
  /** Keeps what V8 has compiled, for the next thread that loads the bundle. */
  saveCache(): void;
}

/** `file`: a CommonJS bundle (`.cjs`), evaluated anew at each call, or any module that Node.js imports, evaluated once a thread. */
export function loadBundle(file: string): LoadedBundle | Promise<LoadedBundle> {
  if (!file.endsWith(".cjs")) return import(pathToFileURL(file).href).then(() => ({ saveCache: () => undefined }));
  const cacheFile = `${file}.${process.versions.v8}.${process.arch}.cache`;
  const cached = existsSync(cacheFile) ? readFileSync(cacheFile) : undefined;
  const source = `(function (require, module, exports, __filename) {${readFileSync(file, "utf8")}\n})`;
  const script = new Script(source, { filename: file, ...(cached === undefined ? {} : { cachedData: cached }) });
  const run = script.runInThisContext() as (
    require: NodeJS.Require,
    module: object,
    exports: object,
    filename: string,
  ) => void;
  const module_ = { exports: {} };
  run(createRequire(file), module_, module_.exports, file);
  return {
    saveCache: () => {
      if (cached !== undefined && script.cachedDataRejected !== true) return;
      try {
        const aside = `${cacheFile}.${process.pid}.${threadId}`;
        writeFileSync(aside, script.createCachedData());
        renameSync(aside, cacheFile);
      } catch {
        // A package directory that can't be written to costs a few milliseconds at each start, nothing else.
      }
    },
  };
}
