/**
 * Rows that seeds must find, instead of tests: the stories of `test/simulation/zoo` are bundled together with a row's
 * mistake, and told in a process of their own, seed by seed, until one does not hold.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MAIN = join(ROOT, "test/simulation/zoo/main.ts");
/** A mistake may make a story go on for ever; that is noticed, too. */
const SEED_TIMEOUT_MS = 120_000;

/** None for a row whose mistake is made by a switch of its story. */
export function editsOf({ file, find, replace, also = [] }) {
  return file === undefined ? [] : [[find, replace], ...also];
}

/** The source of a row's file with its mistake. */
export function mistaken(source, row) {
  return editsOf(row).reduce((text, [find, replace]) => text.split(find).join(replace), source);
}

/** A folder for bundles, in which they find what the sources import. */
export function makeFolder() {
  const folder = mkdtempSync(join(tmpdir(), "inkube-zoo-"));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return folder;
}

export function removeFolder(folder) {
  rmSync(folder, { recursive: true, force: true });
}

/** Path of a program that tells stories with the row's mistake; undefined: without any. */
export async function bundle(folder, row) {
  const outfile = join(folder, `${row?.file === undefined ? "as-it-is" : row.name}.mjs`);
  const path = row?.file === undefined ? undefined : join(ROOT, row.file);
  const plugin = {
    name: "mistake",
    setup: ({ onLoad }) =>
      onLoad({ filter: /\.ts$/ }, (args) =>
        args.path === path ? { contents: mistaken(readFileSync(path, "utf8"), row), loader: "ts" } : undefined,
      ),
  };
  await build({
    entryPoints: [MAIN],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    logLevel: "silent",
    plugins: [plugin],
  });
  return outfile;
}

/**
 * The first seed of `from` to `to` with which the story does not hold, and why; undefined when all hold. One of which
 * nothing is heard in time counts as found.
 */
export function firstFailure(program, story, from, to) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, story, String(from), String(to)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    let errors = "";
    let seed = from;
    let timer;
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => child.kill("SIGKILL"), SEED_TIMEOUT_MS);
    };
    watch();
    child.stderr.on("data", (data) => (errors += data));
    child.stdout.on("data", (data) => {
      output += data;
      seed = from + output.split("\n").length - 1;
      watch();
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const failed = output.split("\n").find((line) => line.startsWith("{"));
      if (failed !== undefined) resolve(JSON.parse(failed));
      else if (signal !== null) resolve({ seed, error: "no end was seen" });
      else if (code === 0) resolve(undefined);
      // A promise of a timer or of a mistake may be rejected beside the story: the process ends, and says so.
      else if (seed > from || /PROMISE_BROKEN|Invariant/i.test(errors))
        resolve({ seed, error: errors.trim().split("\n")[0] });
      else reject(new Error(`${story} does not load:\n${errors}`));
    });
  });
}
