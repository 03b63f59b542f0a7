/**
 * Loads an actor's bundle, through V8's code cache when there is a fitting one. That halves the time in which a whole
 * cluster's threads come up. The cache lies beside the bundle under a name that carries the V8 version. It is made when an actor
 * is up for the first time, for the threads that start next, and once more when what follows a start has been compiled as well.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";
import { threadId } from "node:worker_threads";
import { setTimeout } from "./machine-clock.ts";

/** After this an actor has done for the first time what it does in its first second. */
const SETTLED_MS = 1_500;

export interface LoadedBundle {
  /** The actor is up: keeps what V8 has compiled, and will compile soon, for the next thread that loads the bundle. */
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
  let saved = cached !== undefined && script.cachedDataRejected !== true;
  return {
    saveCache: () => {
      if (saved) return;
      saved = true;
      if (script.cachedDataRejected === true || !existsSync(cacheFile)) save(script, cacheFile);
      let settled = false;
      const settle = (): void => {
        if (!settled) save(script, cacheFile);
        settled = true;
      };
      setTimeout(settle, SETTLED_MS).unref();
      process.once("exit", (code) => {
        if (code === 0) settle();
      });
    },
  };
}

function save(script: Script, cacheFile: string): void {
  try {
    const aside = `${cacheFile}.${process.pid}.${threadId}`;
    writeFileSync(aside, script.createCachedData());
    renameSync(aside, cacheFile);
  } catch {
    // A package directory that can't be written to costs a few milliseconds at each start, nothing else.
  }
}
