/**
 * Terminals (pseudoterminals) without a native module: script(1) of util-linux, or Python's `pty`, whichever this machine has. Both lead
 * the program's session, and carry what it reads and writes over their own input and output.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import type { TerminalSize } from "../core/streaming/outcome.ts";
import { SYSTEM_PATH } from "./command.ts";

const PROBE_TIMEOUT_MS = 10_000;
/** script(1) waits for all of its children, and what watches the command would be one. Signals are for it alone. */
const AS_CHILD = 'trap : HUP INT QUIT TERM; "$@"';

/** As `script` does it: its first argument is run by the shell. An end of its input is the terminal's own (Control-D). */
const PYTHON = `
import os, pty, select, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv("/bin/sh", ["/bin/sh", "-c", sys.argv[1]])
def write(to, data):
    while data:
        data = data[os.write(to, data):]
inputs = [0, fd]
while True:
    ready = select.select(inputs, [], [])[0]
    if fd in ready:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        write(1, data)
    if 0 in ready:
        data = os.read(0, 65536)
        if not data:
            inputs.remove(0)
        write(fd, data or b"\\x04")
status = os.waitpid(pid, 0)[1]
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
`;

/** What a program says of its terminal, before it starts, on `descriptor`. */
export interface TerminalReport {
  readonly kind: "terminal";
  readonly path: string;
  /** Of the program, which leads a session. */
  readonly pid: number;
}

/** Paths; undefined: there is none. */
interface TerminalTools {
  readonly script: string | undefined;
  readonly python: string | undefined;
  readonly stty: string | undefined;
}

export class Terminals {
  private readonly line: (script: string) => readonly string[];
  private readonly stty: string | undefined;

  private constructor(line: (script: string) => readonly string[], stty: string | undefined) {
    this.line = line;
    this.stty = stty;
  }

  private static found: Promise<Terminals | string> | undefined;

  /** Or why there is none here. Found out once for each thread. */
  static here(): Promise<Terminals | string> {
    const tools = { script: pathOf("script"), python: pathOf("python3"), stty: pathOf("stty") };
    return (Terminals.found ??= Terminals.probe(tools));
  }

  /** By the first of the tools that works. */
  static async probe({ script, python, stty }: TerminalTools): Promise<Terminals | string> {
    // Echo has to be asked for, as its own input is no terminal; script(1) of macOS knows nothing of it.
    const byScript = (text: string): readonly string[] => [
      ...[script ?? "", "-q", "-e", "-f", "-E", "always", "-c", text, "/dev/null"],
    ];
    if (script !== undefined && (await works(byScript("test -t 1")))) return new Terminals(byScript, stty);
    const byPython = (text: string): readonly string[] => [python ?? "", "-c", PYTHON, text];
    if (python !== undefined && (await works(byPython("test -t 1")))) return new Terminals(byPython, stty);
    return "this machine has neither script(1) of util-linux nor Python's pty: no terminal can be made";
  }

  /**
   * The command line that becomes `argv` on a terminal, and tells of it first: a line of JSON on `descriptor`. To be run with SHELL=/bin/sh.
   * @param shell what SHELL is to be for the program
   */
  wrap(argv: readonly string[], descriptor: number, isKept: boolean, shell: string | undefined): readonly string[] {
    const told = `printf '{"kind":"terminal","path":"%s","pid":%d}\\n' "$(tty)" $$ >&${descriptor}; `;
    const closed = isKept ? "" : `exec ${descriptor}>&-; `;
    const restored = shell === undefined ? "unset SHELL; " : `export SHELL=${quoted(shell)}; `;
    const line = this.line(`${told}${closed}${restored}exec ${argv.map(quoted).join(" ")}`);
    return ["/bin/sh", "-c", AS_CHILD, "sh", ...line];
  }

  /** Whoever is in front on the terminal gets SIGWINCH. Nothing is done where there is no stty(1). */
  resize(path: string, { rows, columns }: TerminalSize): Promise<void> {
    const { stty } = this;
    if (stty === undefined) return Promise.resolve();
    const flag = process.platform === "linux" ? "-F" : "-f";
    return new Promise((resolve) => {
      execFile(stty, [flag, path, "rows", String(rows), "cols", String(columns)], () => resolve());
    });
  }
}

/** The size of one terminal: set once it is known which it is; of several sizes that come meanwhile only the last counts. */
export class TerminalSizes {
  private readonly terminals: Terminals;
  private path: string | undefined;
  private wanted: TerminalSize | undefined;
  private isSetting = false;

  constructor(terminals: Terminals) {
    this.terminals = terminals;
  }

  at(path: string): void {
    this.path = path;
    void this.set();
  }

  resize(size: TerminalSize): void {
    this.wanted = size;
    void this.set();
  }

  private async set(): Promise<void> {
    if (this.isSetting) return;
    this.isSetting = true;
    while (this.path !== undefined && this.wanted !== undefined) {
      const { wanted } = this;
      this.wanted = undefined;
      await this.terminals.resize(this.path, wanted);
    }
    this.isSetting = false;
  }
}

/** Undefined for a line that is none. */
export function parseTerminalReport(line: string): TerminalReport | undefined {
  try {
    const report = JSON.parse(line) as Partial<TerminalReport> | null;
    const { kind, path = "", pid = 0 } = report ?? {};
    if (kind !== "terminal" || !path.startsWith("/dev/") || !Number.isInteger(pid) || pid < 2) return undefined;
    // A container's own /dev is a directory of links.
    return { kind, path: path.replace(/^.*\/pts\//, "/dev/pts/"), pid };
  } catch {
    return undefined;
  }
}

function quoted(argument: string): string {
  return `'${argument.replaceAll("'", "'\\''")}'`;
}

function pathOf(name: string): string | undefined {
  return SYSTEM_PATH.map((directory) => `${directory}/${name}`).find((path) => existsSync(path));
}

function works([file = "", ...args]: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const env = { SHELL: "/bin/sh" };
    const child = execFile(file, args, { timeout: PROBE_TIMEOUT_MS, env }, (error) => resolve(error === null));
    child.stdin?.on("error", () => undefined).end();
  });
}
