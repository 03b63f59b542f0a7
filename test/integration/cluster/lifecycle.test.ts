import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { Api } from "../../../actors/cluster/cli/api.ts";
import type { Connection } from "../../../actors/cluster/cli/kubeconfig-file.ts";
import type { Cluster } from "../../../actors/cluster/cluster.ts";
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { inkube } from "../../fixtures/built.ts";
import { Program, isRunning } from "../../fixtures/program.ts";
import { until } from "../../fixtures/until.ts";

type TokenConnection = Pick<Connection, "server" | "authority" | "token">;

const SLEEPER = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "sleeper" },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: "main", image: "busybox", command: ["sh", "-c", "echo pid $$; exec sleep 1000"] }],
  },
};
/** A cluster with a child process as container, which tells its process id. */
const WITH_PROCESS = `
  const { Cluster, pods } = await import("inkube");
  const cluster = await Cluster.start({ masters: 1, workers: 1 });
  await cluster.apply(${JSON.stringify(SLEEPER)});
  await cluster.waitFor("pod/sleeper", "Ready");
`;

const programs: Program[] = [];
const clusters: Cluster[] = [];
const temporaries: string[] = [];
afterEach(async () => {
  for (const program of programs.splice(0)) program.kill("SIGKILL");
  for (const path of temporaries.splice(0)) rmSync(path, { recursive: true, force: true });
  await Promise.all(clusters.splice(0).map((cluster) => cluster.stop()));
});

function run(source: string, environment: Readonly<Record<string, string>> = {}): Program {
  const program = Program.evaluate(source, environment);
  programs.push(program);
  return program;
}

async function start(options: Parameters<typeof Cluster.start>[0]): Promise<Cluster> {
  const cluster = await inkube.Cluster.start(options);
  clusters.push(cluster);
  return cluster;
}

/** Descendants of a process, by the system's own account. */
function descendants(pid: number): readonly number[] {
  const parents = new Map(processes());
  const isBelow = (child: number): boolean => {
    const parent = parents.get(child);
    return parent !== undefined && (parent === pid || isBelow(parent));
  };
  return [...parents.keys()].filter(isBelow);
}

/** Each process and its parent. */
function processes(): readonly (readonly [number, number])[] {
  if (!existsSync("/proc/self/stat")) {
    const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).trim().split("\n");
    return lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
  }
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      return [[Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1])] as const];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}

describe("a cluster's life", () => {
  it("leaves no thread, handle, child process or file behind when it stops, so that its program ends by itself", async () => {
    const temporary = mkdtempSync(join(tmpdir(), "inkube-test-"));
    temporaries.push(temporary);
    const program = run(
      `${WITH_PROCESS}
      process.stdout.write("up\\n");
      await new Promise((resolve) => process.stdin.once("data", resolve));
      process.stdin.destroy();
      await cluster.stop();
      // What is closed is gone a few turns later.
      const left = () => process.getActiveResourcesInfo().filter((name) => !/Wrap$|^Immediate$/.test(name));
      for (let turn = 0; turn < 1_000 && left().length > 0; turn++) await new Promise((resolve) => setImmediate(resolve));
      process.stdout.write("left " + JSON.stringify(left()) + "\\n");
    `,
      { TMPDIR: temporary },
    );
    await program.printed(/^up$/m);
    const children = descendants(program.pid);
    expect(children.length).toBeGreaterThan(0);
    program.send("stop");
    const [, left] = await program.printed(/^left (.*)$/m);
    expect(left).toBe("[]");
    expect(await program.exited).toBe(0);
    expect(program.stderr).toBe("");
    await until("no child process", () => !children.some(isRunning));
    expect(readdirSync(temporary)).toEqual([]);
  });

  it("adds nothing to what is global, and changes nothing of it", async () => {
    const program = run(`
      // Node.js makes some of them when they are first looked at.
      const globals = () => new Map(Object.getOwnPropertyNames(globalThis).map((name) => [name, globalThis[name]]));
      const before = globals();
      const { Cluster } = await import("inkube");
      const cluster = await Cluster.start({ masters: 1, workers: 1 });
      await cluster.stop();
      const changed = [...globals()].filter(([name, value]) => !Object.is(before.get(name), value)).map(([name]) => name);
      process.stdout.write("changed " + JSON.stringify(changed) + "\\n");
    `);
    const [, changed] = await program.printed(/^changed (.*)$/m);
    expect(changed).toBe("[]");
  });

  it("takes its child processes with it when its process is killed", async () => {
    const program = run(`${WITH_PROCESS} process.stdout.write("up\\n");`);
    await program.printed(/^up$/m);
    const children = descendants(program.pid);
    expect(children.length).toBeGreaterThan(0);
    program.kill("SIGKILL");
    await until("no child process", () => !children.some(isRunning));
  });

  it("is disposed of at the end of its scope", async () => {
    const program = run(`
      const { Cluster } = await import("inkube");
      const cluster = await Cluster.start({ masters: 1, workers: 0 });
      await cluster[Symbol.asyncDispose ?? Symbol.for("nodejs.asyncDispose")]();
      process.stdout.write("disposed\\n");
    `);
    expect(await program.exited).toBe(0);
    expect(program.stdout).toContain("disposed");
  });

  it("shares its process with another cluster", async () => {
    const [one, two] = await Promise.all([
      start({ masters: 1, workers: 1, name: "one" }),
      start({ masters: 1, workers: 1, name: "two" }),
    ]);
    const web = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "web" },
      spec: { containers: [{ name: "web", image: "nginx", ports: [{ containerPort: 80 }] }] },
    };
    await Promise.all([one.apply(web), two.apply(web)]);
    const [first, second] = await Promise.all([one.waitFor("pod/web", "Ready"), two.waitFor("pod/web", "Ready")]);
    const address = (pod: unknown): string => (pod as { readonly status: { readonly podIP: string } }).status.podIP;
    expect(address(first)).not.toBe(address(second));
    expect(one.server).not.toBe(two.server);
    await one.stop();
    await until("the other one answers", async () => (await fetch(`http://${address(second)}/`)).status === 200);
  });

  it("goes on while its program blocks the main thread for three seconds", async () => {
    const program = run(`
      const { Cluster } = await import("inkube");
      const cluster = await Cluster.start({ masters: 1, workers: 1, pods: "simulated" });
      const restarts = () => JSON.stringify(cluster.actors().map(({ name, restarts }) => [name, restarts]));
      const before = restarts();
      const { server, authority, token } = cluster;
      process.stdout.write("blocked " + JSON.stringify({ server, authority, token }) + "\\n");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_000);
      process.stdout.write("free again\\n");
      await new Promise((resolve) => setImmediate(resolve));
      process.stdout.write("same actors: " + (restarts() === before) + "\\n");
      await cluster.stop();
    `);
    const [, connection] = await program.printed(/^blocked (.*)$/m);
    const api = new Api({ certificate: undefined, key: undefined, ...(JSON.parse(connection!) as TokenConnection) });
    const path = "/api/v1/namespaces/default/pods";
    const body = { metadata: { name: "made" }, spec: { containers: [{ name: "main", image: "any" }] } };
    await api.json({ method: "POST", path, body });
    await until("the pod is Ready", async () => {
      const pod = await api.json<Pod>({ path: `${path}/made` });
      return pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
    });
    api.close();
    expect(program.stdout).not.toContain("free again");
    await program.exited;
    expect(program.stderr).toBe("");
    expect(program.stdout).toContain("same actors: true");
  });
});
