/** Terminals by each of the tools that make them, where this machine has them. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { Readable } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import { parseTerminalReport, Terminals } from "../../../../../actors/container-runtime/io/terminal.ts";
import { until } from "../../../../fixtures/until.ts";

const find = (name: string): string | undefined =>
  ["/usr/bin", "/bin", "/usr/local/bin"].map((directory) => `${directory}/${name}`).find((path) => existsSync(path));
const stty = find("stty");
const script = find("script");
const python = find("python3");
const TOOLS = [
  ["script", { script, python: undefined, stty }],
  ["Python", { script: undefined, python, stty }],
] as const;

let child: ChildProcess | undefined;
afterEach(() => void child?.kill("SIGKILL"));

interface Ran {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly report: () => string;
  readonly exited: Promise<number | null>;
}

function run(terminals: Terminals, argv: readonly string[]): Ran {
  const [file = "", ...args] = terminals.wrap(argv, 4, false, "/its/own");
  const started = spawn(file, args, { env: { SHELL: "/bin/sh", PATH: "/usr/bin:/bin" }, stdio: Array(5).fill("pipe") });
  child = started;
  let output = "";
  let report = "";
  started.stdout!.on("data", (bytes: Buffer) => (output += bytes.toString()));
  (started.stdio as unknown as readonly Readable[])[4]!.on("data", (bytes: Buffer) => (report += bytes.toString()));
  const exited = new Promise<number | null>((resolve) => started.once("close", resolve));
  return { child: started, output: () => output, report: () => report, exited };
}

describe.each(TOOLS)("a terminal of %s", (name, tools) => {
  const isHere = tools.script !== undefined || tools.python !== undefined;

  it.skipIf(!isHere)("is one for the program, echoes, and ends with its exit code", async () => {
    const terminals = await Terminals.probe(tools);
    if (typeof terminals === "string") throw new Error(`${name}: ${terminals}`);
    const ran = run(terminals, ["sh", "-c", 'test -t 0 && test -t 1 && echo $SHELL; read x; echo "it\'s $x"; exit 9']);
    await until("the program runs", () => ran.output().includes("/its/own"));
    ran.child.stdin!.write("typed\r");
    expect(await ran.exited).toBe(9);
    expect(ran.output()).toBe("/its/own\r\ntyped\r\nit's typed\r\n");
  });

  it.skipIf(!isHere || stty === undefined)("has the size that it is given", async () => {
    const terminals = await Terminals.probe(tools);
    if (typeof terminals === "string") throw new Error(`${name}: ${terminals}`);
    const ran = run(terminals, ["sh", "-c", "read x; stty size"]);
    const report = await until("it is told of", () => parseTerminalReport(ran.report()));
    await terminals.resize(report.path, { rows: 33, columns: 101 });
    ran.child.stdin!.write("\r");
    await ran.exited;
    expect(ran.output()).toContain("33 101");
  });
});

it("where there is no tool, that is said", async () => {
  expect(await Terminals.probe({ script: undefined, python: undefined, stty })).toContain("no terminal can be made");
});

it.each([
  "",
  "null",
  "{}",
  '{"kind":"terminal","path":"/etc/x","pid":7}',
  '{"kind":"terminal","path":"/dev/pts/1","pid":1}',
])("%j is no report of a terminal", (line) => {
  expect(parseTerminalReport(line)).toBeUndefined();
});
