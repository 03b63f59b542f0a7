// Everything but the tests that CI holds the code to. Prints what failed and how to see it alone.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const checks = {
  generated: ["node", ".ci/generate.mjs", "--check"],
  "generated of etcd": ["node", ".ci/generate-etcd-wire.mjs", "--check"],
  types: ["tsc", "-p", "."],
  "types of the page": ["tsc", "-p", "actors/trace-collector/page"],
  lint: ["oxlint", "-c", ".oxlintrc.json", "--type-aware", "--deny-warnings", "actors", "protocols", "runtime", "test"],
  format: ["oxfmt", "--check", "actors", "protocols", "runtime", "test", ".ci"],
  layers: ["vitest", "run", "--config", "test/vitest.config.ts", "test/architecture"],
  "unused code": ["knip", "--no-progress"],
  package: ["publint", "--strict"],
};

const failed = [];
for (const [name, [command, ...args]] of Object.entries(checks)) {
  const started = Date.now();
  const shown = command === "node" ? [command] : ["npx", "--no-install", command];
  const { status } = spawnSync(shown[0], [...shown.slice(1), ...args], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  console.log(`${status === 0 ? "ok    " : "FAILED"} ${name} (${Date.now() - started} ms)`);
  if (status !== 0) failed.push(`${name}: ${[...shown, ...args].join(" ")}`);
}
if (failed.length > 0) {
  console.error(`\n${failed.join("\n")}`);
  process.exit(1);
}
