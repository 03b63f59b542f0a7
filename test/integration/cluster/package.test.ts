/** The package as another project gets it: packed, installed, type-checked against, run. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../../fixtures/program.ts";

const execute = promisify(execFile);
const TIMEOUT_MS = 120_000;

let project: string;

beforeAll(async () => {
  const temporary = mkdtempSync(join(tmpdir(), "inkube-test-package-"));
  project = join(temporary, "project");
  mkdirSync(project);
  // Built already: these tests run after the build.
  const { stdout } = await execute("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", temporary], {
    cwd: ROOT,
  });
  const [{ filename }] = JSON.parse(stdout) as [{ readonly filename: string }];
  writeFileSync(join(project, "package.json"), `${JSON.stringify({ private: true, type: "module" })}\n`);
  await execute("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", join(temporary, filename)], {
    cwd: project,
  });
}, TIMEOUT_MS);
afterAll(() => rmSync(join(project, ".."), { recursive: true, force: true, maxRetries: 3 }));

const PROGRAM = `
import { Cluster, hasCode, pods } from "inkube";
import type { ClusterOptions, KubernetesObject, TraceEvent } from "inkube";

const options: ClusterOptions = { masters: 1, workers: 1, images: { "hello:1": { module: "./hello.js" } } };
const cluster: Cluster = await Cluster.start(options);
try {
  const applied: readonly KubernetesObject[] = await cluster.apply(\`
apiVersion: v1
kind: Pod
metadata: { name: hello }
spec:
  containers:
    - name: hello
      image: hello:1
      readinessProbe: { httpGet: { path: /, port: 8000 }, periodSeconds: 1 }
\`);
  await cluster.waitFor("pod/hello", "Ready", { timeoutMs: 20_000 });
  const pod = await cluster.client.get(pods, "hello", "default");
  const answer: string = await (await fetch(\`http://\${pod.status?.podIP ?? ""}:8000/\`)).text();
  const events: readonly TraceEvent[] = await cluster.trace.events({ object: "pods/default/hello" });
  console.log(applied.length, answer, events.length > 0, cluster.kubeconfig.includes("server: https://127.0.0.1:"));
} catch (error) {
  console.log(hasCode(error, "WAIT_TIMEOUT") ? "late" : error);
} finally {
  await cluster.stop();
}
`;
const IMAGE = `
import { createServer } from "node:http";
createServer((request, response) => response.end("hello")).listen(8000);
`;

describe("the package", () => {
  it("holds what it needs and nothing else", () => {
    const installed = join(project, "node_modules/inkube");
    const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as { readonly name: string };
    expect(manifest.name).toBe("inkube");
    expect(() => readFileSync(join(installed, "actors/etcd/etcd.ts"))).toThrow();
    expect(() => readFileSync(join(installed, "test/examples/shop.yaml"))).toThrow();
  });

  it("type-checks a program against its declarations, and refuses one that is wrong", async () => {
    const compilerOptions = {
      ...{
        noEmit: true,
        strict: true,
        target: "es2022",
        module: "nodenext",
        lib: ["es2023", "dom", "esnext.disposable"],
      },
      ...{ types: ["node"], typeRoots: [join(ROOT, "node_modules/@types")] },
    };
    const compile = (file: string): Promise<{ readonly stdout: string }> => {
      const config = join(project, "tsconfig.json");
      writeFileSync(config, JSON.stringify({ compilerOptions, files: [file] }));
      return execute(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", config]);
    };
    writeFileSync(join(project, "program.ts"), PROGRAM);
    await compile("program.ts").catch((error: { readonly stdout?: string }) => expect(error.stdout).toBe(""));
    writeFileSync(join(project, "wrong.ts"), PROGRAM.replace("masters: 1", 'masters: "one"'));
    await expect(compile("wrong.ts")).rejects.toMatchObject({
      stdout: expect.stringContaining("Type 'string' is not assignable to type 'number'") as string,
    });
  });

  it(
    "runs that program",
    async () => {
      // The program's types taken off, as a build would.
      const plain = PROGRAM.replace(/^import type.*$/m, "").replace(/const (\w+): [^=]+? =/g, "const $1 =");
      writeFileSync(join(project, "program.js"), plain);
      writeFileSync(join(project, "hello.js"), IMAGE);
      const { stdout, stderr } = await execute(process.execPath, ["program.js"], { cwd: project });
      expect(stderr).toBe("");
      expect(stdout).toBe("1 hello true true\n");
    },
    TIMEOUT_MS,
  );

  it("brings the command", async () => {
    const { stdout } = await execute(join(project, "node_modules/.bin/inkube"), ["--version"], { cwd: project });
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { readonly version: string };
    expect(stdout).toBe(`${version}\n`);
  });
});
