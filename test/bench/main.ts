/** `npm run bench [-- SUITE…] [--json FILE]`: prints each figure with its peer's. No figure is a verdict. */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import type { Figure, Suite } from "./report.ts";
import { formatFigure } from "./report.ts";
import { api } from "./suites/api.ts";
import { attacks } from "./suites/attacks.ts";
import { chaos } from "./suites/chaos.ts";
import { churn } from "./suites/churn.ts";
import { codec } from "./suites/codec.ts";
import { definitions } from "./suites/definitions.ts";
import { etcd } from "./suites/etcd.ts";
import { faults } from "./suites/faults.ts";
import { messaging } from "./suites/messaging.ts";
import { pods } from "./suites/pods.ts";
import { recorder } from "./suites/recorder.ts";
import { recovery } from "./suites/recovery.ts";
import { reset } from "./suites/reset.ts";
import { scale } from "./suites/scale.ts";
import { scheduling } from "./suites/scheduling.ts";
import { simulation } from "./suites/simulation.ts";
import { start } from "./suites/start.ts";
import { supervision } from "./suites/supervision.ts";
import { trace } from "./suites/trace.ts";
import { ways } from "./suites/ways.ts";

const suites: readonly Suite[] = [
  messaging,
  codec,
  etcd,
  start,
  reset,
  api,
  definitions,
  pods,
  recovery,
  supervision,
  simulation,
  recorder,
  trace,
  faults,
  chaos,
  scale,
  scheduling,
  churn,
  ways,
  attacks,
];
/** These take minutes, and run when they are asked for by name. */
const LONG: readonly Suite[] = [chaos, scale, scheduling, churn, ways, attacks];
/** One name for several suites. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  api: ["api", "definitions"],
  runtime: ["messaging", "codec", "supervision", "simulation", "recorder", "faults"],
};

const { values, positionals } = parseArgs({ options: { json: { type: "string" } }, allowPositionals: true });
const asked = positionals.flatMap((name) => GROUPS[name] ?? [name]);
const unknown = positionals.filter(
  (name) => GROUPS[name] === undefined && !suites.some((suite) => suite.name === name),
);
if (unknown.length > 0) {
  console.error(
    `no suite ${unknown.join(", ")}; there are ${[...suites.map(({ name }) => name), ...Object.keys(GROUPS)].join(", ")}`,
  );
  process.exit(2);
}

const figures: Figure[] = [];
console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`);
for (const suite of suites) {
  if (asked.length === 0 ? LONG.includes(suite) : !asked.includes(suite.name)) continue;
  console.log(`\n${suite.name}: ${suite.about}`);
  await suite.run((figure) => {
    const whole: Figure = { suite: suite.name, ...figure };
    figures.push(whole);
    console.log(`  ${formatFigure(whole)}`);
  });
}
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ node: process.version, figures }, null, 2)}\n`);
