/**
 * Shows that the tests would notice a mistake: makes one mistake at a time in a copy of the tree, runs the tests that must
 * notice it, and says which mistakes survive.
 *
 *     node test/mutation/run.mjs               all of them
 *     node test/mutation/run.mjs raft          those of variants/raft.mjs
 *     node test/mutation/run.mjs NAME …        those with these names
 *     node test/mutation/run.mjs --list        names only
 *
 * Each file of `variants/` exports `variants`, a list of rows:
 *
 *     name     how it is called on the command line
 *     file     the source, from the top of the tree
 *     find     text that stands in it exactly once
 *     replace  what stands there instead
 *     also     for a mistake of several places of the file: more pairs of both; may be left out
 *     why      what the mistake does
 *     tests    test files that must fail; unit tests and simulations, for tests on threads run the built package
 *
 * Exit code 0 when every mistake was noticed; 1 when one survives; 2 when a row is wrong (its `find` is not there once, its
 * file no longer loads, or its tests fail on the tree as it is).
 */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const VARIANTS = fileURLToPath(new URL("variants/", import.meta.url));
const COPIED = ["actors", "protocols", "runtime", "test", "package.json", "tsconfig.json"];
/** A mistake may make a test run for ever, or wait for ever: that is noticed, too. */
const TIMEOUT_MS = 300_000;
/** So many times as long as the slowest test of a file took without a mistake is for ever: the machine may be busy. */
const PATIENCE = 10;
const TEST_TIMEOUT_MS_MIN = 10_000;

async function load() {
  const rows = [];
  for (const name of readdirSync(VARIANTS).sort()) {
    if (!name.endsWith(".mjs")) continue;
    const { variants } = await import(new URL(`variants/${name}`, import.meta.url).href);
    for (const row of variants) rows.push({ ...row, group: name.slice(0, -".mjs".length) });
  }
  return rows;
}

function choose(rows, wanted) {
  for (const name of wanted) {
    if (!rows.some((row) => row.name === name || row.group === name)) fail(`there is no variant ${name}`);
  }
  return wanted.length === 0 ? rows : rows.filter((row) => wanted.includes(row.name) || wanted.includes(row.group));
}

function fail(message) {
  throw new Error(message);
}

/** All rows, also those that are not wanted now: a row that is out of date is noticed at once. */
function check(rows) {
  const wrong = [];
  const names = new Set();
  for (const row of rows) {
    const { name, file, tests } = row;
    if (names.has(name)) wrong.push(`${name}: the name is there twice`);
    names.add(name);
    if (tests.length === 0) wrong.push(`${name}: it names no test`);
    for (const [find, replace] of editsOf(row)) {
      const times = readFileSync(join(ROOT, file), "utf8").split(find).length - 1;
      if (times !== 1) wrong.push(`${name}: its text stands ${times} times in ${file}`);
      if (find === replace) wrong.push(`${name}: it changes nothing`);
    }
  }
  if (wrong.length > 0) fail(wrong.join("\n"));
}

function editsOf({ find, replace, also = [] }) {
  return [[find, replace], ...also];
}

function copyTree() {
  const copy = mkdtempSync(join(tmpdir(), "inkube-mutation-"));
  for (const name of COPIED) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  return copy;
}

/**
 * `passed`, `failed`, `hung`, or `broken` when a file did not even load; the first test that failed, and how long the slowest
 * test of each file took.
 */
function run(copy, tests, { timeoutMs = TIMEOUT_MS, testTimeoutMs = TIMEOUT_MS } = {}) {
  const output = join(copy, "result.json");
  rmSync(output, { force: true });
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  const args = ["run", "--config", join(copy, "test/vitest.config.ts"), "--bail", "1", "--reporter=json"];
  args.push(`--outputFile=${output}`, `--testTimeout=${testTimeoutMs}`, `--hookTimeout=${testTimeoutMs}`);
  const options = { cwd: copy, stdio: "ignore", timeout: timeoutMs };
  const { signal } = spawnSync(process.execPath, [vitest, ...args, ...tests], options);
  if (signal !== null) return { outcome: "hung" };
  const { success, numFailedTests, testResults } = JSON.parse(readFileSync(output, "utf8"));
  if (success) return { outcome: "passed", slowestMs: slowestOf(copy, testResults) };
  if (numFailedTests === 0) return { outcome: "broken", by: testResults.find(({ message }) => message)?.message };
  const failed = testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter((one) => one.status === "failed"),
  );
  return { outcome: "failed", by: failed[0]?.fullName, message: failed[0]?.failureMessages[0] };
}

function slowestOf(copy, testResults) {
  const ofFile = ({ assertionResults }) => Math.max(...assertionResults.map(({ duration }) => duration ?? 0));
  return new Map(testResults.map((result) => [relative(realpathSync(copy), result.name), ofFile(result)]));
}

function tryVariant(copy, row, slowestMs) {
  const { file, tests } = row;
  const source = readFileSync(join(copy, file), "utf8");
  const mistaken = editsOf(row).reduce((text, [find, replace]) => text.split(find).join(replace), source);
  writeFileSync(join(copy, file), mistaken);
  const testTimeoutMs = Math.round(PATIENCE * Math.max(...tests.map((name) => slowestMs.get(name))));
  try {
    return run(copy, tests, { testTimeoutMs: Math.min(TIMEOUT_MS, Math.max(TEST_TIMEOUT_MS_MIN, testTimeoutMs)) });
  } finally {
    writeFileSync(join(copy, file), source);
  }
}

async function main(wanted) {
  const rows = await load();
  if (wanted[0] === "--list") return rows.forEach(({ group, name, why }) => console.log(`${group}  ${name}: ${why}`));
  check(rows);
  const chosen = choose(rows, wanted);
  const copy = copyTree();
  const survived = [];
  try {
    // All files at once take longer than one.
    const before = run(copy, [...new Set(chosen.flatMap(({ tests }) => tests))], { timeoutMs: 6 * TIMEOUT_MS });
    if (before.outcome !== "passed") {
      fail(`the tests fail on the tree as it is: ${before.by ?? before.outcome}\n${before.message ?? ""}`);
    }
    for (const row of chosen) {
      const startedMs = Date.now();
      const { outcome, by = outcome } = tryVariant(copy, row, before.slowestMs);
      const seconds = Math.round((Date.now() - startedMs) / 1_000);
      console.log(`${outcome === "passed" ? "SURVIVED" : "noticed "} ${seconds} s  ${row.name}  (${by})`);
      if (outcome === "broken") fail(`${row.name} does not load: ${by}`);
      if (outcome === "passed") survived.push(row);
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
  console.log(`${chosen.length - survived.length} of ${chosen.length} noticed`);
  for (const { name, file, why, tests } of survived) console.log(`SURVIVED ${name} (${file}): ${why}; not in ${tests}`);
  process.exitCode = survived.length > 0 ? 1 : 0;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
}
