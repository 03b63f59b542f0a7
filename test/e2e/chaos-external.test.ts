/** `inkube chaos` on programs that run in real time, against a real cluster: what is found, what is refused, what is left behind. */
import type { ChildProcess } from "node:child_process";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Story } from "../../actors/cluster/chaos/story.ts";

const root = new URL("../..", import.meta.url).pathname;
const directory = mkdtempSync(join(tmpdir(), "inkube-chaos-external-"));
/** What SIGKILL leaves of the cluster goes with the directory. */
const env = { ...process.env, TMPDIR: directory };
/** Some tens of runs of one to three seconds, on a machine that may be busy. */
const PATIENCE_MS = 300_000;
const hasPython = has("python3");

/** Renews its Lease, and tells of itself that it did nothing for as long as that lasts, or that it found another one at work. */
const LEADS = `
import sys, time
sys.path.insert(0, ${JSON.stringify(join(root, "test/examples/chaos/external"))})
from kube import Api, MAPS, Refused
LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
api = Api()
try:
    api.ask("POST", LEASES, {"metadata": {"name": "web"}, "spec": {"leaseDurationSeconds": 4}})
except Refused:
    api.ask("POST", MAPS, {"metadata": {"name": "second"}})
last = time.monotonic()
while True:
    holder = {"spec": {"holderIdentity": f"web-{time.monotonic()}"}}
    api.ask("PATCH", f"{LEASES}/web", holder, "application/merge-patch+json")
    time.sleep(0.5)
    if time.monotonic() - last > 4:
        api.ask("POST", MAPS, {"metadata": {"name": "woke"}})
    last = time.monotonic()
`;

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function has(command: string): boolean {
  try {
    execFileSync(command, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

interface Ended {
  readonly code: number | null;
  readonly text: string;
}

/** `told`: called with all that it has printed, each time that it prints more. */
function chaos(
  args: readonly string[],
  told: (text: string, child: ChildProcess) => void = () => undefined,
): Promise<Ended> {
  const child = spawn(process.execPath, [join(root, "dist/cli.js"), "chaos", ...args], { cwd: root, env });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (piece: Buffer) => {
      text += piece.toString();
      told(text, child);
    });
  }
  return new Promise((resolve) => void child.once("close", (code) => resolve({ code, text })));
}

/** An exploration of one controller, whose other fields are JavaScript's. */
function exploring(name: string, controller: string, more = ""): string {
  const file = join(directory, `${name}.mjs`);
  const steps = JSON.stringify(join(root, "test/examples/chaos/sites.js"));
  writeFileSync(
    file,
    `import { workload } from ${steps};
    export default { cluster: { workers: 0 }, controllers: [${controller}], workload, ${more} };`,
  );
  return file;
}

/** Of processes that have that text in their command line. */
function running(text: string): readonly string[] {
  return execFileSync("ps", ["-A", "-o", "pid=,args="])
    .toString()
    .split("\n")
    .filter((line) => line.includes(text));
}

describe.skipIf(!hasPython)("a controller in Python (skipped where there is no python3)", () => {
  it(
    "is found out for its mistake, with what it printed, and a story fails again",
    async () => {
      const out = join(directory, "stories");
      const { code, text } = await chaos(["run", "test/examples/chaos/external.js", "--plans", "12", "--out", out]);
      expect(text).toMatch(/^12 plans, \d+ runs in [\d.]+ s: \d failures$/m);
      expect(code).toBe(1);
      const told = readdirSync(out)
        .filter((name) => name.endsWith(".story.json"))
        .map((name) => JSON.parse(readFileSync(join(out, name), "utf8")) as Story);
      const story = told.find(({ about }) => /^crash-after: create \S+blog-asset-/.test(about));
      expect(story).toMatchObject({
        oracle: "sameEnd",
        plan: { faults: [{ kind: "controller-crash", by: "web-site" }] },
      });
      expect(story?.text).toContain("extra: ConfigMap default/blog-asset-*");
      expect(story?.events.join("\n")).toContain("web-site prints: at work");
      const again = await chaos(["replay", join(out, "0001.story.json")]);
      expect(again.code).toBe(1);
      expect(again.text).toContain("the end is another than without faults");
    },
    PATIENCE_MS,
  );

  it(
    "holds without it",
    async () => {
      const out = join(directory, "none");
      const { code, text } = await chaos([
        "run",
        "test/examples/chaos/external-mended.js",
        "--plans",
        "6",
        "--out",
        out,
      ]);
      expect(text).toMatch(/^6 plans, 8 runs in [\d.]+ s: nothing was found$/m);
      expect(code).toBe(0);
    },
    PATIENCE_MS,
  );

  it.each([
    ["paused", "woke"],
    ["twice", "second"],
  ])(
    "is %s at the write of its Lease, which it can tell",
    async (pattern, told) => {
      const script = join(directory, `${pattern}.py`);
      writeFileSync(script, LEADS);
      const controller = `{ name: "web", command: ["python3", ${JSON.stringify(script)}] }`;
      const file = exploring(pattern, controller, `search: { systematic: ["${pattern}"], random: 0 }`);
      const { code, text } = await chaos(["run", file, "--plans", "1", "--out", join(directory, pattern)]);
      expect(text).toContain(`found by ${pattern}: write 1 of leases.coordination.k8s.io/default/web`);
      expect(text).toContain(`extra: ConfigMap default/${told}`);
      expect(code).toBe(1);
    },
    PATIENCE_MS,
  );

  it.each(["SIGINT", "SIGKILL"] as const)(
    "does not outlive a search that ends by %s",
    async (signal) => {
      const script = join(root, "test/examples/chaos/external/web_site_mended.py");
      const mark = `outlived-${signal}`;
      const file = exploring(mark, `{ name: "web", command: ["python3", ${JSON.stringify(script)}, "${mark}"] }`);
      const { code } = await chaos(["run", file], (text, child) => {
        if (!child.killed && text.includes("plans of faults to try")) child.kill(signal);
      });
      expect(code).toBe(signal === "SIGINT" ? 130 : null);
      await expect.poll(() => running(`.py ${mark}`), { timeout: 10_000 }).toEqual([]);
    },
    PATIENCE_MS,
  );
});

it.skipIf(!hasPython)(
  "a controller that somebody else runs is cut off and let in again, and holds",
  async () => {
    const script = join(root, "test/examples/chaos/external/web_site_mended.py");
    const out = join(directory, "attached");
    const search = 'search: { systematic: ["crash-after", "down"], random: 2 }';
    let attached: ChildProcess | undefined;
    const { code, text } = await chaos(
      ["run", exploring("attached", '{ name: "web", attach: true }', search), "--plans", "4", "--out", out],
      (told) => {
        const KUBECONFIG = /start it with KUBECONFIG=(.+)$/m.exec(told)?.[1];
        if (KUBECONFIG === undefined || attached !== undefined) return;
        // It ends when its connection does; whoever runs it starts it again.
        const loop = `while true; do python3 ${JSON.stringify(script)} 2>/dev/null; sleep 0.1; done`;
        attached = spawn("/bin/sh", ["-c", loop], { detached: true, env: { ...env, KUBECONFIG } });
      },
    );
    process.kill(-attached!.pid!, "SIGKILL");
    expect(text).toMatch(/^4 plans, 6 runs in [\d.]+ s: nothing was found$/m);
    expect(code).toBe(0);
    expect(readdirSync(out)).toEqual([]);
  },
  PATIENCE_MS,
);

it(
  "functions are tried on the same cluster, and are found out for the same mistake",
  async () => {
    const out = join(directory, "threads");
    const file = join(directory, "threads.mjs");
    const example = JSON.stringify(join(root, "test/examples/chaos/web-site.js"));
    const changed = 'mode: "threads", search: { systematic: ["crash-after"], random: 0 }';
    writeFileSync(file, `import given from ${example}; export default { ...given, ${changed} };`);
    const { code, text } = await chaos(["run", file, "--plans", "3", "--out", out]);
    expect(text).toContain("found by crash-after: create configmaps/default/blog-asset-");
    expect(text).toContain("extra: ConfigMap default/blog-asset-*");
    expect(code).toBe(1);
  },
  PATIENCE_MS,
);

describe("the exit code", () => {
  const node = (script: string): string => `{ name: "web", command: ["node", "-e", ${JSON.stringify(script)}] }`;
  const polls = `const { clusters: [{ cluster }], users: [{ user }] } = JSON.parse(require("fs").readFileSync(process.env.KUBECONFIG));
    const options = { ca: Buffer.from(cluster["certificate-authority-data"], "base64"), headers: { authorization: "Bearer " + user.token } };
    const ask = () => require("https").get(cluster.server + "/api/v1/pods", options, (answer) => answer.resume().on("end", ask));
    ask();`;

  it.each<[number, string, string, string, string]>([
    [
      2,
      "a program that is not there",
      `{ name: "web", command: ["not-there"] }`,
      "",
      "the controller web can't be started",
    ],
    [2, "no command at all", `{ name: "web", command: [] }`, "", "a program and its arguments"],
    [
      2,
      "a program in the simulation",
      `{ name: "web", command: ["true"] }`,
      'mode: "sim"',
      "it can't take part in the mode sim",
    ],
    [2, "jobs", `{ name: "web", command: ["true"] }`, "budget: { jobs: 2 }", "runs take place one after the other"],
    [
      2,
      "a pattern that needs the simulation",
      `{ name: "web", command: ["true"] }`,
      'search: { systematic: ["travel"] }',
      "travel can't be tried on these controllers in the mode external",
    ],
    [
      5,
      "a program that ends at once",
      node(`console.log("no such flag"); process.exit(3)`),
      "",
      "it ended by itself, with exit code 3; what it printed last:\n  no such flag",
    ],
    [5, "a program that never comes to rest", node(polls), "", "web never comes to rest: the controllers made"],
  ])(
    "%i tells of %s",
    async (expected, what, controller, more, message) => {
      const { code, text } = await chaos(["run", exploring(what.replaceAll(" ", "-"), controller, more)]);
      expect(text).toContain(message);
      expect(code).toBe(expected);
    },
    PATIENCE_MS,
  );
});
