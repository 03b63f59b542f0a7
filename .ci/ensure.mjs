// Installs and builds what is missing or older than its sources, so that each npm script works from a fresh clone.
// `--install` stops after installing.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

function newest(path) {
  const info = statSync(path, { throwIfNoEntry: false });
  if (info === undefined) return 0;
  if (!info.isDirectory()) return info.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`inkube needs Node.js 20.19 or later; this is ${process.version}`);
  process.exit(1);
}

// npm writes this file last, so it tells of a finished install; its content tells of which one.
const installed = join(root, "node_modules/.inkube-lock");
const lock = readFileSync(join(root, "package-lock.json"), "utf8");
if (!existsSync(installed) || readFileSync(installed, "utf8") !== lock) {
  // Not `npm ci`: it refuses a lock file that lacks the binaries of platforms for which the registry had none.
  run("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"]);
  writeFileSync(installed, lock);
}

if (!process.argv.includes("--install")) {
  const built = newest(join(root, "dist/.built"));
  const sources = [
    "actors",
    "protocols",
    "runtime",
    "test/bench",
    "test/examples",
    ".ci/build.mjs",
    "package-lock.json",
  ];
  if (sources.some((source) => newest(join(root, source)) > built)) run("node", [".ci/build.mjs"]);
}
