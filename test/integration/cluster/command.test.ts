import { createServer } from "node:net";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLI, Program, TOUR } from "../../fixtures/program.ts";
import { until } from "../../fixtures/until.ts";

const POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: pause}]}\n";

let directory: string;
beforeAll(() => void (directory = mkdtempSync(join(tmpdir(), "inkube-test-command-"))));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  writeFileSync(join(directory, name), content);
  return name;
}

const inkube = (args: string, input?: string): Program => Program.inkube(args.split(" "), directory, input);

/** Runs to the end; must fail with one line on stderr, which is given back. */
async function refused(args: string, input = ""): Promise<string> {
  const program = inkube(args, input);
  expect(await program.exited, program.stdout).toBe(1);
  const lines = program.stderr.trim().split("\n");
  expect(lines.filter((line) => line.startsWith("inkube: "))).toHaveLength(1);
  return program.stderr;
}

async function done(args: string, input = ""): Promise<string> {
  const program = inkube(args, input);
  const code = await program.exited;
  expect(`${String(code)} ${program.stderr}`).toBe("0 ");
  return program.stdout;
}

describe("inkube, given what it can't use", () => {
  it.each([
    ["up --masters 2", "odd"],
    ["up --masters many", "--masters takes a whole number"],
    ["up --workers -1", "--workers"],
    ["up --port 99999", "--port takes a whole number from 0 to 65535"],
    ["up --pods imaginary", "real, simulated"],
    ["up --image web", "--image takes NAME=MODULE"],
    ["up --image web=./missing.js", "there is no module ./missing.js"],
    ["up --manifest missing.yaml", "there is no file missing.yaml"],
    ["up --masters 1 --workers 0 --kubeconfig missing/inkube.kubeconfig", "can't write the kubeconfig"],
    ["up --nonsense", "unknown option '--nonsense'"],
    ["frobnicate", "unknown command 'frobnicate'"],
    ["apply", "required option '-f, --filename <path...>'"],
    ["get", "missing required argument 'resource'"],
    ["get pods", 'start a cluster here with "inkube up"'],
    ["simulate --seed x", "--seed takes a whole number"],
    ["simulate --faults missing.json", "plan of faults: missing.json"],
    ["simulate --seeds 5 --trace t", "--trace has no meaning beside --seeds"],
    ["simulate --replay d --faults", "--faults has no meaning beside --replay"],
    ["simulate --replay missing.decisions", "there is no file missing.decisions"],
    ["simulate --replay .", ".: "],
    ["simulate --jobs 2", "--jobs has no meaning without --seeds"],
    ["simulate --twice", "--twice has no meaning without --seeds"],
    ["simulate --seeds 2 --twice --self-check 5", "'--twice' cannot be used with option '--self-check"],
  ])("refuses `%s`, saying what to do", async (args, part) => {
    expect(await refused(args)).toContain(part);
  });

  it("names the line of malformed YAML", async () => {
    const broken = file("broken.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n   labels: {}\n");
    expect(await refused(`up --manifest ${broken}`)).toMatch(/^inkube: broken\.yaml: .* at line 4, column 9\n$/);
  });

  it("names what was to be replayed when it is no log of decisions", async () => {
    const text = file("text.decisions", "not a log\n");
    expect(await refused(`simulate --replay ${text}`)).toContain("text.decisions is no log of decisions");
    const other = file("other.decisions", gzipSync('{"format":"other"}\n'));
    expect(await refused(`simulate --replay ${other}`)).toContain("other.decisions is no log of decisions");
  });

  it("names every fault of a plan that can't be carried out, and what it may be", async () => {
    const plan = {
      faults: [
        { id: "x", kind: "pod-boom" },
        { id: "y", kind: "disk-full", at: "etcd-7" },
      ],
    };
    const said = await refused(`simulate --faults ${file("plan.json", JSON.stringify(plan))}`);
    expect(said).toMatch(/fault x: kind: there is no kind "pod-boom" \(allowed: link-drop, /);
    expect(said).toContain("fault y: at: nobody answers to etcd-7; did you mean etcd-0?");
  });

  it("names the document that has no kind, and the one that has no name", async () => {
    const kindless = file("kindless.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\nfoo: bar\n");
    expect(await refused(`up --manifest ${kindless}`)).toContain("kindless.yaml, document 2: has no apiVersion");
    expect(await refused(`up --manifest ${file("nameless.yaml", "apiVersion: v1\nkind: Pod\n")}`)).toContain(
      "has no metadata.name",
    );
  });

  it("takes no manifest in which there is nothing", async () => {
    expect(await refused(`up --manifest ${file("empty.yaml", "# nothing yet\n---\n")}`)).toContain(
      "there is no object in empty.yaml",
    );
  });

  it("says that a port is in use", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { readonly port: number };
    expect(await refused(`up --masters 1 --workers 0 --port ${port}`)).toContain(
      `port ${port} of 127.0.0.1 is in use; choose another one`,
    );
    server.close();
    expect(existsSync(join(directory, "inkube.kubeconfig"))).toBe(false);
  });

  it("says that no cluster answers any more where the kubeconfig points to", async () => {
    const kubeconfig = `apiVersion: v1
kind: Config
current-context: a
contexts: [{name: a, context: {cluster: a, user: a}}]
clusters: [{name: a, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: a, user: {token: x}}]
`;
    file("old.kubeconfig", kubeconfig);
    expect(await refused("get pods --kubeconfig old.kubeconfig")).toContain(
      "no cluster answers at https://127.0.0.1:1",
    );
    expect(await refused(`get pods --kubeconfig ${file("no.kubeconfig", "kind: Nothing\n")}`)).toContain(
      "no usable kubeconfig",
    );
  });
});

describe("inkube up, with the commands beside it", () => {
  let up: Program;
  const data = "data";

  beforeAll(async () => {
    file(
      "first.yaml",
      `apiVersion: v1
kind: Pod
metadata: {name: talker, labels: {app: talker}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: busybox, command: [sh, -c, "echo one; echo two; exec sleep 1000"]}]
`,
    );
    up = inkube(`up --masters 1 --workers 1 --data-dir ${data} --manifest first.yaml`);
    await up.printed(/pod default\/talker Running 1\/1/);
  });
  afterAll(async () => {
    up?.kill("SIGKILL");
    await up?.exited;
  });

  it("tells how the start went, where it is, and what happens, in plain lines", () => {
    expect(up.stdout).toMatch(
      /^starting 1 master and 1 worker\nready in .* at https:\/\/127\.0\.0\.1:\d+\napplied pod\/talker\n/,
    );
    expect(up.stdout).not.toContain("\x1b");
  });

  it("gives the kubeconfig to its owner only", () => {
    expect(readFileSync(join(directory, "inkube.kubeconfig"), "utf8")).toContain("certificate-authority-data");
  });

  it("shows objects as kubectl does", async () => {
    expect(await done("get pods")).toMatch(/^NAME +READY +STATUS +RESTARTS +AGE\ntalker +1\/1 +Running +0 +\d+s\n$/);
    expect(await done("get pods -A -o wide")).toMatch(/^NAMESPACE +NAME .* NODE .*\ndefault +talker .* worker-0 /);
    expect(await done("get pod/talker -o name")).toBe("pod/talker\n");
    expect(JSON.parse(await done("get pod talker -o json"))).toMatchObject({
      kind: "Pod",
      metadata: { name: "talker" },
    });
    expect(await done("get po -l app=talker -o yaml")).toContain("kind: List");
    expect(await done("get no,ns")).toMatch(/^NAME [\s\S]*node\/worker-0 [\s\S]*\n\nNAME [\s\S]*namespace\/default /);
    const none = inkube("get deployments");
    expect(await none.exited).toBe(0);
    expect(none.stderr).toBe("No resources found in default namespace.\n");
  });

  it("creates, changes and leaves unchanged what a manifest describes, and deletes it", async () => {
    const map = (color: string): string =>
      `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"color":"${color}"}}`;
    expect(await done("apply -f -", map("green"))).toBe("configmap/c created\n");
    expect(await done("apply -f -", map("green"))).toBe("configmap/c unchanged\n");
    expect(await done("apply -f -", map("blue"))).toBe("configmap/c configured\n");
    expect(await done("delete -f -", map("blue"))).toBe("configmap/c deleted\n");
  });

  it("follows what changes", async () => {
    const watching = inkube("get configmaps -w");
    await watching.printed(/kube-root-ca\.crt/);
    await done("apply -f -", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: watched}\n");
    await watching.printed(/^watched +0 +\d+s$/m);
    watching.kill("SIGKILL");
    await watching.exited;
  });

  it("prints logs", async () => {
    await until("both lines", async () => (await done("logs talker")) === "one\ntwo\n");
    expect(await done("logs pod/talker --tail 1")).toBe("two\n");
    const following = inkube("logs -f talker");
    await following.printed(/one\ntwo\n/);
    following.kill("SIGKILL");
    await following.exited;
    expect(await refused("logs nobody")).toContain('pods "nobody" not found');
  });

  it("prints the trace, filtered, as text and as JSON, and follows it", async () => {
    expect(await done("trace --object pods/default/talker --kind scheduled")).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} scheduler-0#\d+ scheduled pods\/default\/talker .*node=worker-0/,
    );
    const line = (await done("trace --actor etcd-0 --json")).split("\n")[0]!;
    expect(JSON.parse(line)).toMatchObject({ actor: "etcd-0", sequence: expect.any(Number) as number });
    expect(await refused("trace --kind nosuchkind")).toMatch(/no kind of event nosuchkind.* There are call, cast/);
    expect(await refused("trace --kind nosuchkind --follow")).toContain("no kind of event nosuchkind");
    expect(await refused("trace --actor etcd-7")).toMatch(/no actor etcd-7 here; did you mean etcd-0\?/);
    const following = inkube("trace --follow --object followed");
    await done(
      "apply -f -",
      "apiVersion: v1\nkind: Pod\nmetadata: {name: followed}\nspec: {containers: [{name: a, image: pause}]}\n",
    );
    await following.printed(/scheduled pods\/default\/followed .*<- api-server-0#\d+/);
    following.kill("SIGKILL");
    await following.exited;
  });

  it("says why, tells what happened and what was, and refuses what there is none of", async () => {
    expect(await done("trace why pod/talker")).toMatch(
      /^talker is .*\n  \d\d:\d\d:\d\d\.\d{3} \S+ +kubernetes-admin created pods\/default\/talker .*<- first cause/,
    );
    expect(JSON.parse(await done("trace why pod/talker pending --json"))).toMatchObject({ isSo: false, isWhole: true });
    expect(await done("trace story pod/talker --where kind=scheduled")).toMatch(
      /^pods\/default\/talker: 1 events\n\S+ scheduler-0 chose worker-0 for pods\/default\/talker\n$/,
    );
    const state = inkube("trace state pods talker --at 0s");
    expect(await state.exited, state.stderr).toBe(0);
    expect(state.stdout).toMatch(/^NAME +READY .*\ntalker +1\/1 +Running/);
    expect(state.stderr).toMatch(/^at revision \d+, 20/);
    const written = file("trace.ndjson", await done("trace --json"));
    expect(await done(`trace --from ${written} --kind scheduled --object talker`)).toMatch(
      / scheduled pods\/default\/talker /,
    );
    expect(await done(`trace why pod/talker --from ${written}`)).toMatch(/^talker is /);
    expect(await done(`trace diff ${written} ${written}`)).toMatch(/^both tell the same\.$/m);
    for (const [args, why] of [
      ["trace why pod/tolker", "did you mean pods/default/talker?"],
      ["trace why pod/talker stukc", "did you mean stuck?"],
      ["trace --where kind", '"kind" stands where a condition'],
      ["trace --since soon", "is no moment"],
      ["trace state pods --at soon", "is no moment"],
      [`trace follow --from ${written}`, "a record does not go on"],
      ["trace why pod/talker --from nowhere", "there is nothing at nowhere"],
      [`trace why pod/talker --from ${written} --kubeconfig other`, "name two records"],
    ] as const) {
      expect(await refused(args), args).toContain(why);
    }
  });

  it("refuses fields that are unknown or of the wrong type, and 5 MB, and goes on", async () => {
    expect(await refused("apply -f -", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndaata: {}\n")).toContain(
      'unknown field "daata"',
    );
    expect(await refused("apply -f -", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: [1]\n")).toContain(
      "data",
    );
    expect(await refused("apply -f -", "apiVersion: v1\nkind: Gadget\nmetadata: {name: x}\n")).toContain(
      "knows no v1 Gadget",
    );
    const large = file(
      "large.json",
      JSON.stringify({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "l" },
        data: { a: "x".repeat(5 << 20) },
      }),
    );
    expect(await refused(`apply -f ${large}`)).toMatch(/too large/i);
    expect(await refused("get gadgets")).toContain('no resource "gadgets"');
    expect(await done("get pods -o name")).toContain("pod/talker\n");
  });

  it("refuses a second cluster on the same data directory", async () => {
    expect(await refused(`up --masters 1 --workers 0 --data-dir ${data} --kubeconfig other.kubeconfig`)).toContain(
      `is in use by process ${up.pid}`,
    );
  });

  it("stops cleanly when nobody reads what it prints any more", async () => {
    const cut = inkube("up --masters 1 --workers 0 --kubeconfig cut.kubeconfig");
    await cut.printed(/^ready in/m);
    cut.stopReading();
    // It has something to print then, if not before; the command may find it gone already.
    await Program.inkube(["apply", "-f", "-", "--kubeconfig", "cut.kubeconfig"], directory, POD).exited;
    expect(await cut.exited).toBe(0);
    expect(existsSync(join(directory, "cut.kubeconfig"))).toBe(false);
  });

  it("stops cleanly at Ctrl-C and takes its kubeconfig with it", async () => {
    up.kill("SIGINT");
    expect(await up.exited).toBe(0);
    expect(up.stdout).toMatch(/stopping\nstopped\n$/);
    expect(existsSync(join(directory, "inkube.kubeconfig"))).toBe(false);
  });

  it("goes on from its data directory, unless a newer inkube has written it", async () => {
    up = inkube(`up --masters 1 --workers 1 --data-dir ${data}`);
    await up.printed(/pod default\/talker Running 1\/1/);
    up.kill("SIGTERM");
    expect(await up.exited).toBe(0);
    writeFileSync(join(directory, data, "format"), "999\n");
    expect(await refused(`up --data-dir ${data}`)).toContain("newer inkube");
  });
});

describe("the simulation of many seeds", () => {
  it("runs as many of them twice as asked", async () => {
    expect(await done("simulate --seeds 1 --minutes 1 --self-check 0")).toContain("0 of them run twice");
    expect(await done("simulate --seeds 1 --minutes 1 --twice")).toContain("1 of them run twice");
  });
});

describe("the tour", () => {
  it("shows every recovery, and ends by itself when nobody looks", async () => {
    const tour = Program.run(TOUR, directory);
    expect(await tour.exited, tour.stderr).toBe(0);
    expect(tour.stdout).toMatch(/everything has healed\.\n$/);
    for (const killed of ["pod web-", "etcd-", "api-server-", "scheduler-", "worker-"]) {
      expect(tour.stdout).toMatch(new RegExp(`^  ${killed}.* (ms|s) +\\d+ of \\d+$`, "m"));
    }
  });
});

describe("the command", () => {
  it("tells its version and its commands", async () => {
    expect(await done("--version")).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(await done("--help")).toMatch(/up [\s\S]*apply [\s\S]*get [\s\S]*logs [\s\S]*trace [\s\S]*simulate /);
    expect(readFileSync(CLI, "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
  });
});
