/**
 * What every actor's thread runs first: the actor's bundle, through V8's code cache when there is a fitting one. That
 * halves the time in which a whole cluster's threads come up. The cache is made after the first start, when the functions
 * that a start needs are compiled, and lies beside the bundle under a name that carries the V8 version.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Script } from "node:vm";
import { threadId, workerData } from "node:worker_threads";

const { bundle } = workerData as { readonly bundle: string };
const cacheFile = `${bundle}.${process.versions.v8}.${process.arch}.cache`;
const cached = existsSync(cacheFile) ? readFileSync(cacheFile) : undefined;
const source = `(function (require, module, exports, __filename) {${readFileSync(bundle, "utf8")}\n})`;
const script = new Script(source, { filename: bundle, ...(cached === undefined ? {} : { cachedData: cached }) });

const saveCache = (): void => {
  if (cached !== undefined && script.cachedDataRejected !== true) return;
  try {
    const aside = `${cacheFile}.${process.pid}.${threadId}`;
    writeFileSync(aside, script.createCachedData());
    renameSync(aside, cacheFile);
  } catch {
    // A package directory that can't be written to costs a few milliseconds at each start, nothing else.
  }
};

const run = script.runInThisContext() as (
  require: NodeJS.Require,
  module: object,
  exports: object,
  filename: string,
) => void;
(globalThis as { inkubeSaveCodeCache?: () => void }).inkubeSaveCodeCache = saveCache;
const module_ = { exports: {} };
run(createRequire(bundle), module_, module_.exports, bundle);
