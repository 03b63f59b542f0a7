import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import type { Exit } from "../../../../../actors/container-runtime/core/container-table.ts";
import type { Program } from "../../../../../actors/container-runtime/core/images.ts";
import type { ContainerSpec, Driver, RunningContainer } from "../../../../../actors/container-runtime/driver.ts";
import { processDriver } from "../../../../../actors/container-runtime/io/process-driver.ts";
import { threadDriver } from "../../../../../actors/container-runtime/io/thread-driver.ts";
import { until } from "../../../../fixtures/until.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "inkube-driver-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Run {
  readonly container: RunningContainer;
  readonly exited: Promise<Exit>;
  readonly output: () => string;
  /** Resolves when the output has `text`. */
  readonly said: (text: string) => Promise<void>;
  readonly listening: { requested: number; port: number }[];
}

let containers = 0;

async function run(driver: Driver, program: Program, overrides: Partial<ContainerSpec> = {}): Promise<Run> {
  let output = "";
  const waiting: { text: string; resolve: () => void }[] = [];
  const listening: { requested: number; port: number }[] = [];
  let exit = (_exit: Exit): void => undefined;
  const exited = new Promise<Exit>((resolve) => (exit = resolve));
  const spec: ContainerSpec = {
    id: `test-${process.pid}-${++containers}`,
    name: "main",
    program,
    env: { POD_IP: "127.0.0.1", HOSTNAME: "pod-1" },
    root: join(root, "container"),
    mounts: [],
    workingDir: undefined,
    terminationMessagePath: undefined,
    memoryLimitBytes: 0,
    podIp: "127.0.0.1",
    ports: [],
    annotations: {},
    stdin: false,
    tty: false,
    ...overrides,
  };
  const container = await driver.start(spec, {
    output: (stream, bytes) => {
      output += `${stream === "stderr" ? "E:" : ""}${new TextDecoder().decode(bytes)}`;
      for (const { text, resolve } of waiting) if (output.includes(text)) resolve();
      return Promise.resolve();
    },
    listening: (requested, port) => void listening.push({ requested, port }),
    exited: exit,
  });
  const said = (text: string): Promise<void> =>
    output.includes(text) ? Promise.resolve() : new Promise((resolve) => waiting.push({ text, resolve }));
  return { container, exited, output: () => output, said, listening };
}

const processes = processDriver({});
const nowhere = new URL("file:///nowhere.cjs");
const threads = threadDriver({ builtIn: { "web-server": nowhere, agnhost: nowhere } });

function command(...argv: readonly string[]): Program {
  return { driver: "process", argv, env: {} };
}

function module(source: string, ...args: readonly string[]): Program {
  const file = join(root, `module-${++containers}.mjs`);
  writeFileSync(file, source);
  return { driver: "thread", module: { url: file }, args, env: {} };
}

/** Whether a process still exists: a zombie doesn't count. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<void> {
  await expect.poll(() => isAlive(pid), { timeout: 5_000, interval: 5 }).toBe(false);
}

it("a process gives its output and its exit code", async () => {
  const ran = await run(processes, command("sh", "-c", "echo out; echo err >&2; exit 3"));
  expect(await ran.exited).toEqual({ exitCode: 3, reason: "Error", message: "" });
  expect(ran.output()).toContain("out\n");
  expect(ran.output()).toContain("E:err\n");
});

it("a process sees its environment, its arguments and none of ours", async () => {
  process.env["INKUBE_TEST_SECRET"] = "ours";
  const ran = await run(
    processes,
    command("sh", "-c", 'echo "$HOSTNAME $1 [$INKUBE_TEST_SECRET] $PWD"', "sh", "one two"),
  );
  await ran.exited;
  expect(ran.output()).toBe(`pod-1 one two [] ${join(root, "container")}\n`);
});

it("node in a command is the Node.js that runs us", async () => {
  const ran = await run(processes, command("node", "-p", "process.version"));
  expect((await ran.exited).exitCode).toBe(0);
  expect(ran.output()).toBe(`${process.version}\n`);
});

it.each([
  ["no-such-program", 'exec: "no-such-program": executable file not found in $PATH'],
  ["/no/such/program", 'exec: "/no/such/program": stat /no/such/program: no such file or directory'],
  ["/etc", 'exec: "/etc": is a directory'],
])("the command %s, which can't be run, is a failed start", async (file, words) => {
  await expect(run(processes, command(file))).rejects.toMatchObject({
    code: "CONTAINER_START_FAILED",
    message: `unable to start container process: ${words}`,
  });
});

it("a command that names its termination log writes below its root", async () => {
  const terminationMessagePath = "/dev/inkube-test-log";
  const real = join(root, "container", terminationMessagePath);
  const env = { INKUBE_TERMINATION_LOG: real };
  const script = "echo bye > /dev/inkube-test-log; cat $INKUBE_TERMINATION_LOG; ls /dev/inkube-test-log.d";
  const ran = await run(processes, command("sh", "-c", script), { terminationMessagePath, env });
  await ran.exited;
  expect(ran.output()).toContain("bye\n");
  expect(ran.output()).toContain("/dev/inkube-test-log.d");
  expect(readFileSync(real, "utf8")).toBe("bye\n");
  expect(existsSync(terminationMessagePath)).toBe(false);
});

it("a command that names a path in a volume means the one below its root, unless it puts that before it by itself", async () => {
  const volume = join(root, "named");
  execFileSync("mkdir", ["-p", volume]);
  const mounts = [{ containerPath: "/inkube-test/data", hostPath: volume, readonly: false }];
  const script = [
    "echo a > /inkube-test/data/file",
    "cat '/inkube-test/data/file'",
    "ls /inkube-test/data-of-others /else/inkube-test/data",
    "echo up; sleep 60",
  ];
  const ran = await run(processes, command("sh", "-c", script.join(";")), { mounts });
  await ran.said("up");
  const asked = await ran.container.exec(["cat", "/inkube-test/data/file"], 5_000);
  expect(new TextDecoder().decode(asked.stdout)).toBe("a\n");
  ran.container.kill();
  await ran.exited;
  expect(ran.output()).toContain("a\n");
  expect(ran.output()).toContain("/inkube-test/data-of-others");
  expect(ran.output()).toContain("'/else/inkube-test/data'");
  expect(readFileSync(join(volume, "file"), "utf8")).toBe("a\n");
  const own = await run(processes, command("sh", "-c", 'echo "$INKUBE_ROOT"/inkube-test/data'), { mounts });
  await own.exited;
  expect(own.output()).toBe("/inkube-test/data\n");
});

it("a volume may be mounted where the root has a directory of its own", async () => {
  const volume = join(root, "volume");
  execFileSync("mkdir", ["-p", volume]);
  const mounts = [{ containerPath: "/tmp", hostPath: volume, readonly: false }];
  await (
    await run(processes, command("sh", "-c", "echo hello > tmp/file"), { mounts })
  ).exited;
  expect(readFileSync(join(volume, "file"), "utf8")).toBe("hello\n");
});

it("SIGTERM ends a process with 143, or as its handler says", async () => {
  const plain = await run(processes, command("sh", "-c", "echo up; sleep 60"));
  await plain.said("up");
  plain.container.terminate();
  expect((await plain.exited).exitCode).toBe(143);
  const handled = await run(
    processes,
    command("sh", "-c", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.02; done"),
  );
  await handled.said("up");
  handled.container.terminate();
  expect(await handled.exited).toEqual({ exitCode: 0, reason: "Completed", message: "" });
  expect(handled.output()).toContain("bye");
});

it("a kill takes all that a process has started with it", async () => {
  const ran = await run(
    processes,
    command("sh", "-c", "trap '' TERM; sh -c 'sleep 61 & echo pid=$!; wait' & sleep 62"),
  );
  await ran.said("pid=");
  const pid = Number(/pid=(\d+)/.exec(ran.output())?.[1]);
  ran.container.terminate();
  ran.container.kill();
  expect((await ran.exited).exitCode).toBe(137);
  await gone(pid);
});

it("the end of the first process ends the others of its container", async () => {
  const ran = await run(processes, command("sh", "-c", "sleep 63 & echo pid=$!; exit 0"));
  expect((await ran.exited).exitCode).toBe(0);
  await gone(Number(/pid=(\d+)/.exec(ran.output())?.[1]));
});

it.runIf(process.platform === "linux")("a process that left its group is found and killed too", async () => {
  const ran = await run(processes, command("sh", "-c", "setsid sleep 64 & echo pid=$!; sleep 0.1; exit 0"));
  await ran.exited;
  await gone(Number(/pid=(\d+)/.exec(ran.output())?.[1]));
});

it.runIf(process.platform === "linux")(
  "what a dead incarnation's containers left behind is killed by the next one",
  async () => {
    const id = `stray-${process.pid}`;
    const ran = await run(processes, command("sh", "-c", "setsid sleep 68 & echo pid=$!; sleep 68"), { id });
    await ran.said("pid=");
    const pid = Number(/pid=(\d+)/.exec(ran.output())?.[1]);
    processes.recover(["another"]);
    expect(isAlive(pid)).toBe(true);
    processes.recover([id]);
    await gone(pid);
    expect((await ran.exited).exitCode).toBe(137);
  },
);

it("no process outlives a SIGKILL of the program that embeds us", async () => {
  const built = join(root, "driver.mjs");
  const source = fileURLToPath(
    new URL("../../../../../actors/container-runtime/io/process-driver.ts", import.meta.url),
  );
  buildSync({ entryPoints: [source], bundle: true, platform: "node", format: "esm", outfile: built });
  const main = join(root, "main.mjs");
  writeFileSync(
    main,
    `import { processDriver } from ${JSON.stringify(built)};
     const spec = { id: "x", name: "x", program: { driver: "process", argv: ["sh", "-c", "sleep 65 & echo $$ $!; wait"], env: {} },
       env: {}, root: ${JSON.stringify(join(root, "c"))}, mounts: [], memoryLimitBytes: 0, podIp: "127.0.0.1", ports: [], annotations: {} };
     await processDriver({}).start(spec, { output: async (_, bytes) => { process.stdout.write(bytes); }, listening() {}, exited() {} });`,
  );
  const child = spawn(process.execPath, [main], { stdio: ["ignore", "pipe", "inherit"] });
  const pids = await new Promise<string>((resolve) =>
    child.stdout.once("data", (bytes: Buffer) => resolve(bytes.toString())),
  );
  const [first, second] = pids.trim().split(" ").map(Number);
  expect(isAlive(first ?? 0)).toBe(true);
  child.kill("SIGKILL");
  await gone(first ?? 0);
  await gone(second ?? 0);
});

it("no process outlives the thread of its driver", async () => {
  const built = join(root, "driver.mjs");
  const source = fileURLToPath(
    new URL("../../../../../actors/container-runtime/io/process-driver.ts", import.meta.url),
  );
  buildSync({ entryPoints: [source], bundle: true, platform: "node", format: "esm", outfile: built });
  const program = module(
    `import { processDriver } from ${JSON.stringify(built)};
     const spec = { id: "y", name: "x", program: { driver: "process", argv: ["sh", "-c", "echo pid=$$; exec sleep 66"], env: {} },
       env: {}, root: ${JSON.stringify(join(root, "c"))}, mounts: [], memoryLimitBytes: 0, podIp: "127.0.0.1", ports: [], annotations: {} };
     await processDriver({}).start(spec, { output: async (_, bytes) => { process.stdout.write(bytes); }, listening() {}, exited() {} });
     for (;;) await new Promise((resolve) => setTimeout(resolve, 1000));`,
  );
  const ran = await run(threads, program);
  await ran.said("pid=");
  const pid = Number(/pid=(\d+)/.exec(ran.output())?.[1]);
  expect(isAlive(pid)).toBe(true);
  ran.container.kill();
  await gone(pid);
});

it("exec runs a command with the container's environment and gives its output and code", async () => {
  const ran = await run(processes, command("sleep", "67"));
  const result = await ran.container.exec(["sh", "-c", "echo $HOSTNAME; exit 4"], 5_000);
  expect([new TextDecoder().decode(result.stdout), result.exitCode]).toEqual(["pod-1\n", 4]);
  await expect(ran.container.exec(["sleep", "60"], 30)).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  ran.container.kill();
  await ran.exited;
});

it("mounts are below the root, which is the working directory", async () => {
  const volume = join(root, "volume");
  execFileSync("mkdir", ["-p", volume]);
  writeFileSync(join(volume, "greeting"), "hello");
  const mounts = [{ containerPath: "/etc/config", hostPath: volume, readonly: true }];
  const ran = await run(processes, command("cat", "etc/config/greeting"), { mounts });
  await ran.exited;
  expect(ran.output()).toBe("hello");
});

it("a thread runs a module with its arguments and environment, and its output is kept", async () => {
  const ran = await run(
    threads,
    module(`console.log(process.argv.slice(2), process.env.HOSTNAME); console.error("err")`, "a", "b"),
  );
  expect(await ran.exited).toEqual({ exitCode: 0, reason: "Completed", message: "" });
  expect(ran.output()).toContain("[ 'a', 'b' ] pod-1");
  expect(ran.output()).toContain("E:err");
});

it("a thread's process.exit is its own exit code, a throw is 1 with the stack on standard error", async () => {
  const exit = await run(threads, module(`process.exit(7)`));
  expect((await exit.exited).exitCode).toBe(7);
  const thrown = await run(threads, module(`setTimeout(() => { throw new Error("boom") }, 1)`));
  expect(await thrown.exited).toEqual({ exitCode: 1, reason: "Error", message: "boom" });
  expect(thrown.output()).toMatch(/E:Error: boom\n\s+at /);
  const missing = await run(threads, {
    driver: "thread",
    module: { url: join(root, "missing.mjs") },
    args: [],
    env: {},
  });
  expect((await missing.exited).exitCode).toBe(1);
  expect(missing.output()).toContain("missing.mjs");
});

it("SIGTERM reaches a thread as a signal, and without a handler ends it with 143", async () => {
  const handled = await run(
    threads,
    module(
      `setInterval(() => {}, 1000); process.on("SIGTERM", () => { console.log("bye"); process.exit(0) }); console.log("up")`,
    ),
  );
  await handled.said("up");
  handled.container.terminate();
  expect((await handled.exited).exitCode).toBe(0);
  expect(handled.output()).toContain("bye");
  const plain = await run(threads, module(`setInterval(() => {}, 1000); console.log("up")`));
  await plain.said("up");
  plain.container.terminate();
  expect((await plain.exited).exitCode).toBe(143);
});

it("a kill ends a thread that spins, with 137", async () => {
  const ran = await run(threads, module(`console.log("up"); setTimeout(() => { for (;;); }, 20)`));
  await ran.said("up");
  ran.container.kill();
  expect((await ran.exited).exitCode).toBe(137);
});

it("a thread that grows over its memory limit is OOMKilled, and nothing else is", async () => {
  const ran = await run(
    threads,
    module(`const kept = new Map(); for (let i = 0; ; i++) { kept.set(i, "x" + i); if (i % 1000 === 0) await null; }`),
    { memoryLimitBytes: 24 * 1024 * 1024 },
  );
  expect(await ran.exited).toMatchObject({ exitCode: 137, reason: "OOMKilled" });
});

it("a Node.js process that grows over its memory limit is OOMKilled", async () => {
  const source = `const kept = []; for (;;) kept.push("x".repeat(100) + kept.length)`;
  const ran = await run(processes, command("node", "-e", source), { memoryLimitBytes: 24 * 1024 * 1024 });
  expect(await ran.exited).toMatchObject({ exitCode: 137, reason: "OOMKilled" });
});

it("a container on a thread that was made beforehand finds its own environment, arguments and signals", async () => {
  const driver = threadDriver({ builtIn: { "web-server": nowhere, agnhost: nowhere }, spareDelayMs: 0 });
  const source = `console.log(JSON.stringify([process.argv.slice(2), process.env])); setInterval(() => {}, 1000)`;
  const first = await run(driver, module(source, "one"), { id: "c-1", env: { NAME: "first" } });
  await first.said("]\n");
  const second = await run(driver, module(source, "two"), { id: "c-2", env: { NAME: "second" } });
  await second.said("]\n");
  expect(first.output()).toBe(`[["one"],{"INKUBE_CONTAINER_ID":"c-1","NAME":"first"}]\n`);
  expect(second.output()).toBe(`[["two"],{"INKUBE_CONTAINER_ID":"c-2","NAME":"second"}]\n`);
  for (const { container } of [first, second]) container.terminate();
  expect((await second.exited).exitCode).toBe(143);
  await driver.close();
});

it("exec beside a thread runs a command with its environment, in its root, and no longer than it may", async () => {
  const ran = await run(threads, module(`setInterval(() => {}, 1000)`));
  const result = await ran.container.exec(["sh", "-c", "echo $HOSTNAME; pwd; exit 3"], 5_000);
  expect([result.exitCode, new TextDecoder().decode(result.stdout)]).toEqual([
    3,
    `pod-1\n${join(root, "container")}\n`,
  ]);
  await expect(ran.container.exec(["sleep", "60"], 30)).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  ran.container.kill();
  await ran.exited;
});

describe.runIf(process.platform === "linux")("the processes that a thread has started", () => {
  let withPreload: Driver;
  beforeEach(() => {
    const preload = join(root, "preload.cjs");
    const source = fileURLToPath(new URL("../../../../../actors/container-runtime/images/preload.ts", import.meta.url));
    buildSync({ entryPoints: [source], bundle: true, platform: "node", format: "cjs", outfile: preload });
    withPreload = threadDriver({ preload, builtIn: { "web-server": nowhere, agnhost: nowhere } });
  });
  afterEach(() => withPreload.close());
  const start = async (source: string, id: string): Promise<Run & { readonly pid: number }> => {
    const env = { HOSTNAME: "pod-1", INKUBE_CONTAINER_ID: id };
    const ran = await run(withPreload, module(`import { spawn, spawnSync } from "node:child_process";${source}`), {
      id,
      env,
    });
    await ran.said("pid=");
    return { ...ran, pid: Number(/pid=(\d+)/.exec(ran.output())?.[1]) };
  };

  it.each([
    ["with its environment", `{ stdio: "ignore" }`],
    [
      "with another one, apart from its group",
      `{ stdio: "ignore", detached: true, env: { PATH: process.env.PATH ?? "/bin" } }`,
    ],
  ])("%s end with it", async (_what, options) => {
    const ran = await start(
      `console.log("pid=" + spawn("/bin/sleep", ["71"], ${options}).pid); setInterval(() => {}, 1e6);`,
      `children-${process.pid}-${_what.length}`,
    );
    expect(isAlive(ran.pid)).toBe(true);
    ran.container.kill();
    await ran.exited;
    await gone(ran.pid);
  });

  it("end with it when it has ended by itself", async () => {
    const ran = await start(
      `const child = spawn("/bin/sleep", ["72"], { stdio: "ignore" }); console.log("pid=" + child.pid); child.unref();`,
      `children-${process.pid}-own`,
    );
    expect((await ran.exited).exitCode).toBe(0);
    await gone(ran.pid);
  });

  it("end with it though it waits for one of them, or another thread of its own has made them", async () => {
    const waiting = await start(
      `process.stdout.write("pid=0\\n", () => spawnSync("/bin/sleep", ["73"]));`,
      `children-${process.pid}-sync`,
    );
    waiting.container.kill();
    expect((await waiting.exited).exitCode).toBe(137);
    const nested = await start(
      `import { Worker } from "node:worker_threads";
       new Worker('const { spawn } = require("node:child_process"); console.log("pid=" + spawn("/bin/sleep", ["74"]).pid)', { eval: true });
       setInterval(() => {}, 1e6);`,
      `children-${process.pid}-nested`,
    );
    nested.container.kill();
    await nested.exited;
    await gone(nested.pid);
  });
});

it("containers on threads that have ended leave nothing on the heap of their driver", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const program = module(`console.log("up"); setInterval(() => {}, 1e6);`);
  const churn = async (count: number): Promise<number> => {
    for (let done = 0; done < count; done++) {
      const ran = await run(threads, program);
      await ran.said("up");
      ran.container.kill();
      await ran.exited;
    }
    await threads.close();
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = await churn(20);
  const after = await churn(60);
  expect((after - before) / 60).toBeLessThan(4_096);
});

it.runIf(process.platform === "linux")("a process is measured with all that it has started", async () => {
  const busy = "while (process.cpuUsage().user < 300_000);";
  const ran = await run(processes, command("sh", "-c", `node -e '${busy}'; echo spent; exec sleep 60`));
  await ran.said("spent");
  const usages = [...(await processes.usage()).values()];
  expect(usages).toHaveLength(1);
  expect(usages[0]?.cpuMs).toBeGreaterThanOrEqual(250);
  expect(usages[0]?.memoryBytes).toBeGreaterThan(100_000);
  ran.container.kill();
  await ran.exited;
  expect((await processes.usage()).size).toBe(0);
});

it.runIf(process.platform === "linux")("a thread is measured by what it uses itself", async () => {
  const ran = await run(
    threads,
    module(`
      import { readFileSync } from "node:fs";
      globalThis.kept = Array.from({ length: 1_000_000 }, (_, i) => ({ i }));
      while (Number(readFileSync("/proc/thread-self/schedstat", "utf8").split(" ")[0]) < 300_000_000);
      console.log("spent");
      setInterval(() => {}, 1_000);
    `),
  );
  await ran.said("spent");
  const [usage, ...others] = [...(await threads.usage()).values()];
  expect(others).toEqual([]);
  expect(usage?.cpuMs).toBeGreaterThanOrEqual(250);
  expect(usage?.memoryBytes).toBeGreaterThan(20_000_000);
  ran.container.kill();
  await ran.exited;
  expect((await threads.usage()).size).toBe(0);
});

it("a thread that answers nobody is measured all the same", async () => {
  const ran = await run(threads, module("for (;;) {}"));
  const memoryBytes = async (): Promise<number> => [...(await threads.usage()).values()][0]?.memoryBytes ?? 0;
  // A thread tells once, as it begins.
  await until("the thread has begun", async () => (await memoryBytes()) > 0);
  expect(await memoryBytes()).toBeGreaterThan(0);
  ran.container.kill();
  await ran.exited;
});
