/**
 * Shows that the tests would notice a mistake: makes one mistake at a time in a copy of the tree, runs the tests that must
 * notice it, and says which mistakes survive.
 *
 *     node test/mutation/run.mjs               all of them
 *     node test/mutation/run.mjs raft          those of variants/raft.mjs
 *     node test/mutation/run.mjs NAME …        those with these names
 *     node test/mutation/run.mjs zoo           the bug zoo, which seeds must find: test/simulation/zoo/rows/
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
 * The rows of the bug zoo have, instead of `tests`:
 *
 *     story    of test/simulation/zoo: its seeds are told one after the other until one does not hold
 *     budget   the mistake must be found within so many seeds, from 1 on
 *     seed     one that finds it, which is told first; CI tells no other, and the unbroken code must hold with it
 *     silent   stories that must hold for as many seeds as the budget has; for a row without a file, whose mistake is made by a
 *              switch of the story itself: the zoo's operators, of which a seed is the number of a plan of faults
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
import { bundle, editsOf, firstFailure, makeFolder, mistaken, removeFolder } from "./seeds.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const VARIANTS = new URL("variants/", import.meta.url);
const ZOO = new URL("../simulation/zoo/rows/", import.meta.url);
const COPIED = ["actors", "protocols", "runtime", "test", "package.json", "tsconfig.json"];
/** A mistake may make a test run for ever, or wait for ever: that is noticed, too. */
const TIMEOUT_MS = 300_000;
/** So many times as long as the slowest test of a file took without a mistake is for ever: the machine may be busy. */
const PATIENCE = 10;
const TEST_TIMEOUT_MS_MIN = 10_000;

async function load() {
  return [...(await loadFrom(VARIANTS, "")), ...(await loadFrom(ZOO, "zoo-"))];
}

async function loadFrom(folder, prefix) {
  const rows = [];
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith(".mjs")) continue;
    const { variants } = await import(new URL(name, folder).href);
    for (const row of variants) rows.push({ ...row, group: prefix + name.slice(0, -".mjs".length) });
  }
  return rows;
}

function isWanted({ name, group }, wanted) {
  return wanted.includes(name) || wanted.includes(group) || (wanted.includes("zoo") && group.startsWith("zoo-"));
}

function choose(rows, wanted) {
  for (const name of wanted) {
    if (!rows.some((row) => isWanted(row, [name]))) fail(`there is no variant ${name}`);
  }
  return wanted.length === 0 ? rows : rows.filter((row) => isWanted(row, wanted));
}

function fail(message) {
  throw new Error(message);
}

/** All rows, also those that are not wanted now: a row that is out of date is noticed at once. */
function check(rows) {
  const wrong = [];
  const names = new Set();
  for (const row of rows) {
    const { name, file, tests = [], story, budget = 0, silent = [] } = row;
    if (names.has(name)) wrong.push(`${name}: the name is there twice`);
    names.add(name);
    if (tests.length === 0 && story === undefined) wrong.push(`${name}: it names no test`);
    if (file === undefined && silent.length === 0)
      wrong.push(`${name}: it names no file, and no story without its mistake`);
    if (story !== undefined && budget <= 0) wrong.push(`${name}: it has no budget of seeds`);
    for (const [find, replace] of editsOf(row)) {
      const times = readFileSync(join(ROOT, file), "utf8").split(find).length - 1;
      if (times !== 1) wrong.push(`${name}: its text stands ${times} times in ${file}`);
      if (find === replace) wrong.push(`${name}: it changes nothing`);
    }
  }
  if (wrong.length > 0) fail(wrong.join("\n"));
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
  // vitest ends by itself when it is told to, without a report.
  const { signal, error } = spawnSync(process.execPath, [vitest, ...args, ...tests], options);
  if (signal !== null || error?.code === "ETIMEDOUT") return { outcome: "hung" };
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
  writeFileSync(join(copy, file), mistaken(source, row));
  const testTimeoutMs = Math.round(PATIENCE * Math.max(...tests.map((name) => slowestMs.get(name))));
  try {
    return run(copy, tests, { testTimeoutMs: Math.min(TIMEOUT_MS, Math.max(TEST_TIMEOUT_MS_MIN, testTimeoutMs)) });
  } finally {
    writeFileSync(join(copy, file), source);
  }
}

/** Rows that tests must notice. Returns those that survived. */
function runTests(chosen) {
  if (chosen.length === 0) return [];
  const copy = copyTree();
  try {
    // All files at once take longer than one.
    const before = run(copy, [...new Set(chosen.flatMap(({ tests }) => tests))], { timeoutMs: 6 * TIMEOUT_MS });
    if (before.outcome !== "passed") {
      fail(`the tests fail on the tree as it is: ${before.by ?? before.outcome}\n${before.message ?? ""}`);
    }
    return chosen.filter((row) => {
      const startedMs = Date.now();
      const { outcome, by = outcome } = tryVariant(copy, row, before.slowestMs);
      say(outcome !== "passed", row, by, startedMs);
      if (outcome === "broken") fail(`${row.name} does not load: ${by}`);
      return outcome === "passed";
    });
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Rows that seeds must find. Returns those that survived. */
async function runSeeds(chosen) {
  if (chosen.length === 0) return [];
  const folder = makeFolder();
  const survived = [];
  try {
    await checkUnbroken(folder, chosen);
    for (const row of chosen) {
      const startedMs = Date.now();
      const program = await bundle(folder, row);
      const found = await seedThatFinds(program, row);
      say(
        found !== undefined,
        row,
        found === undefined ? "" : `seed ${found.seed}: ${found.error.split("\n")[0]}`,
        startedMs,
      );
      if (found === undefined) survived.push(row);
      await checkSilent(program, row);
    }
  } finally {
    removeFolder(folder);
  }
  return survived;
}

/** Of the code as it is, the seeds that find something when it is broken. */
async function checkUnbroken(folder, chosen) {
  const program = await bundle(folder, undefined);
  const kept = chosen.filter(({ seed, file }) => seed !== undefined && file !== undefined);
  const told = new Set(kept.map(({ story, seed }) => `${story} ${seed}`));
  for (const each of told) {
    const [story, seed] = each.split(" ");
    const found = await firstFailure(program, story, Number(seed), Number(seed));
    if (found !== undefined) fail(`${story} does not hold on the tree as it is: seed ${found.seed}: ${found.error}`);
  }
}

/** What a row names as free of its mistake. */
async function checkSilent(program, { name, silent = [], budget }) {
  for (const story of silent) {
    const found = await firstFailure(program, story, 1, budget);
    if (found !== undefined)
      fail(`${story} does not hold without the mistake of ${name}: seed ${found.seed}: ${found.error}`);
  }
}

async function seedThatFinds(program, { story, seed, budget }) {
  const first = seed === undefined ? undefined : await firstFailure(program, story, seed, seed);
  return first ?? firstFailure(program, story, 1, budget);
}

function say(isNoticed, { name }, by, startedMs) {
  const seconds = Math.round((Date.now() - startedMs) / 1_000);
  console.log(`${isNoticed ? "noticed " : "SURVIVED"} ${seconds} s  ${name}  (${by})`);
}

async function main(wanted) {
  const rows = await load();
  if (wanted[0] === "--list") return rows.forEach(({ group, name, why }) => console.log(`${group}  ${name}: ${why}`));
  check(rows);
  const chosen = choose(rows, wanted);
  const survived = [
    ...runTests(chosen.filter(({ story }) => story === undefined)),
    ...(await runSeeds(chosen.filter(({ story }) => story !== undefined))),
  ];
  console.log(`${chosen.length - survived.length} of ${chosen.length} noticed`);
  for (const { name, file, why, tests, story, budget } of survived) {
    console.log(`SURVIVED ${name} (${file}): ${why}; not in ${tests ?? `${budget} seeds of ${story}`}`);
  }
  process.exitCode = survived.length > 0 ? 1 : 0;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
}
