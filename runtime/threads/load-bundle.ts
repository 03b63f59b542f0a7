/**
 * Loads an actor's bundle, through V8's code cache when there is a fitting one. That halves the time in which a whole
 * cluster's threads come up. The cache lies beside the bundle under a name that carries the V8 version. It is made when an actor
 * is up for the first time, for the threads that start next, and once more when what follows a start has been compiled as well.
 */
import { closeSync, existsSync, openSync, readFileSync, readSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { StringDecoder } from "node:string_decoder";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";
import { threadId } from "node:worker_threads";
import { setTimeout } from "./machine-clock.ts";

/** After this an actor has done for the first time what it does in its first second. */
const SETTLED_MS = 1_500;

/**
 * Once malloc has got a piece of some size back, it takes pieces up to that size from its arenas, and keeps twice as much
 * free in each of them (mallopt(3), M_MMAP_THRESHOLD): a dozen bundles that are read whole cost tens of megabytes for ever.
 */
const TEXT_PIECE_BYTES = 64 * 1_024;

/** What a thread's global object has for its bundles, which have no `import()` of their own: a module of the user by its URL. */
export interface ModuleDoor {
  inkubeImport?: (url: string) => Promise<unknown>;
}

export interface LoadedBundle {
  /** The actor is up: keeps what V8 has compiled, and will compile soon, for the next thread that loads the bundle. */
  saveCache(): void;
}

/** `file`: a CommonJS bundle (`.cjs`), evaluated anew at each call, or any module that Node.js imports, evaluated once a thread. */
export function loadBundle(file: string): LoadedBundle | Promise<LoadedBundle> {
  if (!file.endsWith(".cjs")) return import(pathToFileURL(file).href).then(() => ({ saveCache: () => undefined }));
  const cacheFile = `${file}.${process.versions.v8}.${process.arch}.cache`;
  const source = `(function (require, module, exports, __filename) {${readText(file)}\n})`;
  const { script, isCached } = compile(source, file, cacheFile);
  const run = script.runInThisContext() as (
    require: NodeJS.Require,
    module: object,
    exports: object,
    filename: string,
  ) => void;
  (globalThis as ModuleDoor).inkubeImport = (url) => import(url);
  const module_ = { exports: {} };
  run(createRequire(file), module_, module_.exports, file);
  let saved = isCached;
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

/** Apart, so that nothing that lives on holds the cache, which is of no use once V8 has read it. */
function compile(source: string, filename: string, cacheFile: string): { script: Script; isCached: boolean } {
  if (!existsSync(cacheFile)) return { script: new Script(source, { filename }), isCached: false };
  const script = new Script(source, { filename, cachedData: readFileSync(cacheFile) });
  return { script, isCached: script.cachedDataRejected !== true };
}

/** As `readFileSync(file, "utf8")`, for which Node.js takes memory of twice the file's size from malloc in one piece. */
function readText(file: string): string {
  const decoder = new StringDecoder("utf8");
  const piece = Buffer.allocUnsafeSlow(TEXT_PIECE_BYTES);
  const descriptor = openSync(file, "r");
  try {
    let text = "";
    for (;;) {
      const count = readSync(descriptor, piece, 0, piece.length, null);
      if (count === 0) return text + decoder.end();
      text += decoder.write(piece.subarray(0, count));
    }
  } finally {
    closeSync(descriptor);
  }
}
