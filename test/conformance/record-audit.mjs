// Records what a real kube-apiserver writes to its audit log, into `recorded/audit.json`: `../integration/cluster/audit.test.ts` asks the
// same of inkube.
//
//   node test/conformance/record-audit.mjs policy > POLICY        the policy to start kube-apiserver with
//   node test/conformance/record-audit.mjs URL TOKEN LOG          asks, and records what is in the log then
//
// Start a kube-apiserver 1.37 of your own on loopback before, with nothing in it, --audit-policy-file=POLICY and --audit-log-path=LOG;
// this needs Go, which inkube and its tests never do. Then `npm run format`.
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { askAll, comparable, POLICY } from "./audit-case.mjs";

const [url, token, log] = process.argv.slice(2);
if (url === "policy") {
  console.log(JSON.stringify(POLICY));
} else if (log === undefined) {
  console.error("usage: node test/conformance/record-audit.mjs policy | URL TOKEN LOG");
  process.exitCode = 2;
} else {
  const ids = await askAll(url, token);
  await pause(1_000);
  const recorded = comparable(readFileSync(log, "utf8").split("\n"), ids);
  writeFileSync(new URL("recorded/audit.json", import.meta.url), `${JSON.stringify(recorded, null, 2)}\n`);
  console.log(recorded.map(({ request, events }) => `${events.length} ${request}`).join("\n"));
}
