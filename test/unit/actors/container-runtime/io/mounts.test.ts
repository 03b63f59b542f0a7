/** Real mounts of real processes, as the user who runs this and, where that is root, as an ordinary one too. */
import type { ChildProcess } from "node:child_process";
import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Exit } from "../../../../../actors/container-runtime/core/container-table.ts";
import type { Mount } from "../../../../../protocols/container-runtime.ts";
import { mountRefusal } from "../../../../fixtures/real-mounts.ts";

const sources = new URL("../../../../../actors/container-runtime/io/", import.meta.url);
const runner = fileURLToPath(new URL("../../../../fixtures/programs/process-container.mjs", import.meta.url));
const SECRETS = "/var/run/secrets/kubernetes.io/serviceaccount";
const NOBODY = 65_534;

let base = "";
let driver = "";
let program = "";
beforeAll(() => {
  base = mkdtempSync(join(realpathSync(tmpdir()), "inkube-mounts-"));
  chmodSync(base, 0o777);
  driver = join(base, "driver.mjs");
  const source = fileURLToPath(new URL("process-driver.ts", sources));
  buildSync({ entryPoints: [source], bundle: true, platform: "node", format: "esm", outfile: driver });
  program = join(base, "process-container.mjs");
  writeFileSync(program, readFileSync(runner));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

interface Wish {
  readonly mounts?: readonly Mount[];
  readonly script: string;
  readonly workingDir?: string;
  readonly terminationMessagePath?: string;
  readonly root?: string;
}

interface Ran {
  readonly child: ChildProcess;
  /** Resolves when the output has the text. */
  said(text: string): Promise<void>;
  output(): string;
  /** `CODE OUTPUT`. */
  exec(...command: readonly string[]): Promise<string>;
  signal(signal: "terminate" | "kill"): void;
  readonly exited: Promise<Exit>;
  readonly started: Promise<Readonly<Record<string, string>>>;
}

interface Message {
  readonly output?: string;
  readonly exec?: string;
  readonly exit?: Exit;
  readonly failed?: string;
  readonly unmounted?: Readonly<Record<string, string>>;
}

let counter = 0;

const isRoot = process.getuid?.() === 0;
const asNobody = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
const users = [
  { who: "as who runs this", user: [] as readonly string[], uid: process.getuid?.() ?? 0, isRoot },
  ...(isRoot ? [{ who: "as an ordinary user", user: asNobody, uid: NOBODY, isRoot: false }] : []),
];

describe.each(users)("$who", (by) => {
  const refusal = mountRefusal(by.user, by.isRoot);
  describe.skipIf(refusal !== undefined)(`a process with mounts ${refusal ?? ""}`, () => {
    let place = "";
    const volume = (name: string, files: Readonly<Record<string, string>> = {}): string => {
      const directory = join(place, "volumes", name);
      mkdirSync(directory, { recursive: true });
      chmodSync(directory, 0o777);
      for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, file), text);
      return directory;
    };
    beforeEach(() => {
      place = mkdtempSync(join(base, "run-"));
      chmodSync(place, 0o777);
    });

    function run(wish: Wish): Ran {
      const id = `mounts-${process.pid}-${++counter}`;
      const root = wish.root ?? join(place, id);
      const spec = {
        ...{ id, name: "main", env: {}, memoryLimitBytes: 0, podIp: "127.0.0.1", ports: [], annotations: {} },
        program: { driver: "process", argv: ["sh", "-c", wish.script], env: {} },
        root,
        mounts: wish.mounts ?? [],
        workingDir: wish.workingDir,
        terminationMessagePath: wish.terminationMessagePath,
      };
      const [file, ...args] = [...by.user, process.execPath, program, driver, JSON.stringify(spec)];
      return follow(spawn(file, args, { stdio: ["pipe", "pipe", "inherit"], cwd: base }));
    }

    async function outputOf(wish: Wish): Promise<string> {
      const ran = run(wish);
      await ran.exited;
      return ran.output();
    }

    it("finds its token where every client in a cluster looks for it, and can't change it", async () => {
      const mounts = [{ containerPath: SECRETS, hostPath: volume("token", { token: "abc" }), readonly: true }];
      const script = `cat ${SECRETS}/token; touch ${SECRETS}/x; rm -f ${SECRETS}/token; umount ${SECRETS} && echo gone`;
      const before = existsSync("/var/run/secrets");
      const ran = run({ mounts, script: by.isRoot ? script.replace(/; umount.*/, "") : script });
      expect(await ran.started).toEqual({});
      await ran.exited;
      expect(ran.output()).toContain("abc");
      expect(ran.output()).toContain("Read-only file system");
      expect(ran.output()).not.toContain("gone");
      expect(readFileSync(join(place, "volumes/token/token"), "utf8")).toBe("abc");
      expect(existsSync("/var/run/secrets")).toBe(before);
    });

    it("writes as itself to a volume whose path the machine does not have, from which nothing is left on the machine", async () => {
      const data = volume("data");
      const mounts = [{ containerPath: "/inkube-test/deep/data", hostPath: data, readonly: false }];
      const script =
        "echo hello > /inkube-test/deep/data/file; id -u; ls /usr/bin/env /etc/passwd; head -c 4 /etc/passwd";
      const output = await outputOf({ mounts, script });
      expect(output).toBe(`${by.uid}\n/etc/passwd\n/usr/bin/env\n${readFileSync("/etc/passwd", "utf8").slice(0, 4)}`);
      expect(readFileSync(join(data, "file"), "utf8")).toBe("hello\n");
      expect(statSync(join(data, "file")).uid).toBe(by.uid);
      expect(existsSync("/inkube-test")).toBe(false);
    });

    it("sees what is written to its volumes later, and a change of all their files at once", async () => {
      const config = volume("config");
      const write = (version: string): void => {
        mkdirSync(join(config, `..${version}`));
        writeFileSync(join(config, `..${version}`, "key"), version);
        symlinkSync(`..${version}`, join(config, "..next"));
        renameSync(join(config, "..next"), join(config, "..data"));
      };
      write("one");
      symlinkSync("..data/key", join(config, "key"));
      const mounts = [{ containerPath: "/etc/inkube-test", hostPath: config, readonly: true }];
      const read = "cat /etc/inkube-test/key";
      const ran = run({ mounts, script: `${read}; until ${read} | grep -q two; do sleep 0.02; done; ${read}` });
      await ran.said("one");
      write("two");
      expect((await ran.exited).exitCode).toBe(0);
      expect(ran.output()).toBe("onetwo");
    });

    it("sees a file of a volume in the place of one that the machine has, and inside of another volume", async () => {
      const config = volume("config", { name: "pod\n" });
      const mounts = [
        { containerPath: "/etc/hostname", hostPath: join(config, "name"), readonly: true },
        { containerPath: "/inkube-test", hostPath: volume("outer", { own: "own\n" }), readonly: false },
        { containerPath: "/inkube-test/inner", hostPath: volume("inner", { file: "inner\n" }), readonly: true },
        { containerPath: "/inkube-test/name", hostPath: join(config, "name"), readonly: true },
      ];
      const script = "cd /inkube-test; cat /etc/hostname own inner/file name; touch inner/x";
      const output = await outputOf({ mounts, script });
      expect(output).toContain("pod\nown\ninner\npod\n");
      expect(output).toContain("Read-only file system");
    });

    it("has the machine's own directories and devices beside a mount in /dev, and its message in the file there", async () => {
      const root = join(place, "container");
      const script = [
        "echo bye > /dev/termination-log",
        "test -c /dev/null && echo x > /dev/null && head -c 1 /dev/zero | wc -c",
        "test -L /dev/stdout && echo out; test -d /dev/pts && echo pts",
      ].join(";");
      const output = await outputOf({ script, root, terminationMessagePath: "/dev/termination-log" });
      expect(output).toBe("1\nout\npts\n");
      expect(readFileSync(join(root, "dev/termination-log"), "utf8")).toBe("bye\n");
    });

    it("keeps what it runs with when a volume covers the directory that holds it", async () => {
      const mounts = [{ containerPath: dirname(base), hostPath: volume("tmp"), readonly: false }];
      const script = `echo hello > ${dirname(base)}/inkube-test-file; pwd; cat ${place}/volumes/tmp/inkube-test-file`;
      const root = join(place, "container");
      expect(await outputOf({ mounts, script, root })).toBe(`${root}\nhello\n`);
      expect(readFileSync(join(place, "volumes/tmp/inkube-test-file"), "utf8")).toBe("hello\n");
    });

    it("is told of a read-only volume that would hide what it runs with, and has it below its root", async () => {
      const mounts = [{ containerPath: dirname(base), hostPath: volume("tmp", { file: "hello" }), readonly: true }];
      const ran = run({ mounts, script: `cat .${dirname(base)}/file` });
      expect(await ran.started).toEqual({ [dirname(base)]: expect.stringContaining("which the container needs") });
      await ran.exited;
      expect(ran.output()).toBe("hello");
    });

    it("starts in a volume that is its working directory, with a program that lies in it", async () => {
      const tools = volume("tools", { tool: "#!/bin/sh\npwd\n" });
      chmodSync(join(tools, "tool"), 0o755);
      const mounts = [{ containerPath: "/inkube-test/tools", hostPath: tools, readonly: false }];
      const script = "./tool; /inkube-test/tools/tool";
      const output = await outputOf({ mounts, script, workingDir: "/inkube-test/tools" });
      expect(output).toBe("/inkube-test/tools\n/inkube-test/tools\n");
    });

    it("shares its mounts, and what it has made beside them, with commands that are run in it", async () => {
      const mounts = [{ containerPath: "/inkube-test", hostPath: volume("data", { file: "hello" }), readonly: true }];
      const ran = run({ mounts, script: "touch /healthy; echo up; exec sleep 300" });
      await ran.said("up");
      expect(await ran.exec("cat", "/inkube-test/file", "/healthy")).toBe("0 hello");
      expect(await ran.exec("touch", "/inkube-test/x")).toMatch(/^1 .*Read-only file system/);
      expect(await ran.exec("sh", "-c", "id -u; exit 3")).toBe(`3 ${by.uid}\n`);
      ran.signal("kill");
      expect((await ran.exited).exitCode).toBe(137);
      expect(existsSync("/healthy")).toBe(false);
    });

    it("gets its signals itself, ends with their code, and takes all with it that it has started", async () => {
      const mounts = [{ containerPath: "/inkube-test", hostPath: volume("data"), readonly: false }];
      const left = "setsid sleep 81 & echo left=$!; sleep 82 & echo group=$!";
      const ran = run({ mounts, script: `trap 'exit 7' TERM; ${left}; echo up; while :; do sleep 0.02; done` });
      await ran.said("up");
      const pids = [...ran.output().matchAll(/=(\d+)/g)].map(([, pid]) => Number(pid));
      ran.signal("terminate");
      expect((await ran.exited).exitCode).toBe(7);
      for (const pid of pids) await expect.poll(() => isAlive(pid), { timeout: 5_000, interval: 5 }).toBe(false);
    });

    it("does not outlive a SIGKILL of what has started it", async () => {
      const mounts = [{ containerPath: "/inkube-test", hostPath: volume("data"), readonly: false }];
      const ran = run({ mounts, script: "echo pid=$$; exec sleep 83" });
      await ran.said("pid=");
      const pid = Number(/pid=(\d+)/.exec(ran.output())?.[1]);
      expect(execFileSync("readlink", [`/proc/${pid}/ns/mnt`])).not.toEqual(
        execFileSync("readlink", ["/proc/self/ns/mnt"]),
      );
      ran.child.kill("SIGKILL");
      await expect.poll(() => isAlive(pid), { timeout: 5_000, interval: 5 }).toBe(false);
    });

    it("starts without a volume whose place the machine does not have, and that is told", async () => {
      const mounts = [{ containerPath: "/inkube-test", hostPath: join(place, "missing"), readonly: false }];
      const ran = run({ mounts, script: "true" });
      expect(await ran.started).toEqual({ "/inkube-test": `there is no ${join(place, "missing")} on this machine` });
      await ran.exited;
    });
  });
});

function follow(child: ChildProcess): Ran {
  let output = "";
  const waiting: { text: string; resolve: () => void }[] = [];
  const execs: ((answer: string) => void)[] = [];
  const told = withResolvers<Readonly<Record<string, string>>>();
  const over = withResolvers<Exit>();
  told.promise.catch(() => undefined);
  over.promise.catch(() => undefined);
  if (child.stdout === null || child.stdin === null) throw new Error("a child without pipes");
  createInterface({ input: child.stdout }).on("line", (line) => {
    const message = JSON.parse(line) as Message;
    if (message.output !== undefined) output += message.output;
    if (message.exec !== undefined) execs.shift()?.(message.exec);
    if (message.unmounted !== undefined) told.resolve(message.unmounted);
    if (message.exit !== undefined) over.resolve(message.exit);
    if (message.failed !== undefined) for (const one of [told, over]) one.reject(new Error(message.failed));
    for (const { text, resolve } of waiting) if (output.includes(text)) resolve();
  });
  const { stdin } = child;
  stdin.on("error", () => undefined);
  return {
    child,
    output: () => output,
    said: (text) =>
      output.includes(text)
        ? Promise.resolve()
        : new Promise((resolve, reject) => {
            waiting.push({ text, resolve });
            over.promise.then(
              (exit) => reject(new Error(`ended with ${exit.exitCode}: ${output}`)),
              (error: unknown) => reject(error as Error),
            );
          }),
    exec: (...command) => {
      stdin.write(`${JSON.stringify({ exec: command })}\n`);
      return new Promise((resolve) => execs.push(resolve));
    },
    signal: (signal) => void stdin.write(`${JSON.stringify({ signal })}\n`),
    exited: over.promise,
    started: told.promise,
  };
}

/** Whether a process still exists: a zombie doesn't count. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** `Promise.withResolvers`, which Node.js 20 has not. */
function withResolvers<T>(): {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
} {
  let resolve = (_value: T): void => undefined;
  let reject = (_error: Error): void => undefined;
  const promise = new Promise<T>((one, other) => {
    resolve = one;
    reject = other;
  });
  return { promise, resolve, reject };
}
