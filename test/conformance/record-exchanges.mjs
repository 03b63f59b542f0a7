// Records what a real kube-apiserver answers to the scenarios of `exchanges/`; `exchange.mjs` says how those are written.
//
//   node test/conformance/record-exchanges.mjs URL TOKEN [NAME…]        NAME: a file of exchanges/ without its ending
//
// Start a kube-apiserver 1.37 of your own on loopback before, without controllers; it needs Go, which inkube and its tests never
// do. Then `npm run test -- test/conformance` shows how inkube answers.
import { readdirSync, writeFileSync } from "node:fs";
import { readScenarios, runScenario } from "./exchange.mjs";

const [url, token, ...asked] = process.argv.slice(2);
if (url === undefined || token === undefined) {
  console.error("usage: node test/conformance/record-exchanges.mjs URL TOKEN [NAME…]");
  process.exit(2);
}
const here = new URL(".", import.meta.url);
const all = readdirSync(new URL("exchanges", here)).map((file) => file.replace(".yaml", ""));
const run = Date.now().toString(36);

for (const name of asked.length > 0 ? asked : all) {
  const lines = [];
  let steps = 0;
  for (const [index, scenario] of readScenarios(new URL(`exchanges/${name}.yaml`, here)).entries()) {
    const answers = await runScenario({ url, token, pauses: true }, scenario, `${name}-${run}-${index}`);
    steps += answers.length;
    lines.push(`${JSON.stringify(scenario.name)}: [\n${compact(answers).join(",\n")}\n]`);
  }
  writeFileSync(new URL(`recorded/${name}.json`, here), `{\n${lines.join(",\n")}\n}\n`);
  console.log(`${name}: ${steps} exchanges`);
}

/** A line an answer; a body that an earlier answer of the scenario has is named by its place. */
function compact(answers) {
  const seen = new Map();
  return answers.map(({ body, ...head }, index) => {
    const text = JSON.stringify(body);
    const before = seen.get(text);
    if (before !== undefined) return JSON.stringify({ ...head, sameAs: before });
    seen.set(text, index);
    return JSON.stringify({ ...head, body });
  });
}
