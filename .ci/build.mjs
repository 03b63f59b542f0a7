// Builds dist/: one CommonJS file for each actor's entry (threads load it through V8's code cache), the images of the
// container runtime, the ES modules that users import, their declarations, and the script and style of a trace's page.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");
process.chdir(root);
rmSync(dist, { recursive: true, force: true });

const shared = { bundle: true, platform: "node", target: "node20.19", logLevel: "warning", legalComments: "none" };
const files = (directory) => (existsSync(directory) ? readdirSync(directory) : []);

const actors = files("actors").filter((name) => name !== "cluster" && existsSync(`actors/${name}/index.ts`));
const images = files("actors/container-runtime/images").filter((name) => name.endsWith(".ts"));
const modules = {
  index: "actors/cluster/index.ts",
  chaos: "actors/cluster/chaos/index.ts",
  runtime: "runtime/index.ts",
  cli: "actors/cluster/cli/main.ts",
  "envtest-kube-apiserver": "actors/cluster/envtest/kube-apiserver.ts",
  "envtest-etcd": "actors/cluster/envtest/etcd.ts",
  tour: "test/examples/tour.ts",
  bench: "test/bench/main.ts",
  "simulation-worker": "actors/cluster/simulation/worker.ts",
  "chaos-worker": "actors/cluster/chaos/worker.ts",
};

await Promise.all([
  build({
    ...shared,
    format: "cjs",
    outdir: dist,
    entryPoints: {
      boot: "runtime/threads/boot.ts",
      "shared-boot": "runtime/threads/shared-boot.ts",
      ...Object.fromEntries(actors.map((name) => [`actors/${name}`, `actors/${name}/index.ts`])),
      ...Object.fromEntries(
        images.map((name) => [`images/${name.slice(0, -3)}`, `actors/container-runtime/images/${name}`]),
      ),
    },
    outExtension: { ".js": ".cjs" },
    define: { "import.meta.url": "__inkubeFileUrl" },
    banner: { js: 'const __inkubeFileUrl = require("node:url").pathToFileURL(__filename).href;' },
  }),
  build({
    ...shared,
    format: "esm",
    packages: "external",
    splitting: true,
    chunkNames: "chunk-[hash]",
    outdir: dist,
    entryPoints: Object.fromEntries(Object.entries(modules).filter(([, source]) => existsSync(source))),
  }),
  // What a trace's page is made of: it runs in a browser.
  build({
    ...shared,
    platform: "browser",
    target: "es2022",
    format: "iife",
    minify: true,
    outdir: dist,
    entryPoints: {
      "trace-page": "actors/trace-collector/page/main.ts",
      "trace-page-style": "actors/trace-collector/page/style.css",
    },
  }),
]);

// One character beyond Latin-1, be it in a comment, and V8 keeps two bytes for each of the text, on every thread. esbuild writes
// ASCII but for comments and regular expressions, where an escape says the same.
for (const file of filesBelow(dist)) {
  const text = readFileSync(file, "utf8");
  const ascii = text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  if (ascii !== text) writeFileSync(file, ascii);
}

const tsc = spawnSync(
  process.execPath,
  [
    "node_modules/typescript/bin/tsc",
    "-p",
    ".",
    "--noEmit",
    "false",
    "--emitDeclarationOnly",
    "--outDir",
    "dist/types",
  ],
  { stdio: "inherit" },
);
if (tsc.status !== 0) process.exit(tsc.status ?? 1);
rmSync(join(dist, "types/test"), { recursive: true, force: true });
// Declarations keep the sources' `.ts` endings, which only programs that allow them may import.
for (const file of filesBelow(join(dist, "types"))) {
  const text = readFileSync(file, "utf8");
  const rewritten = text.replace(/(from |import\()"(\.[^"]+)\.ts"/g, '$1"$2.js"');
  if (rewritten !== text) writeFileSync(file, rewritten);
}
writeFileSync(join(dist, ".built"), `${relative(root, dist)}\n`);

function filesBelow(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}
