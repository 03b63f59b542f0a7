/**
 * Command lines as Go programs take them (`--name=value`, `--name value`, `-name`, a switch alone), for programs that stand in for
 * others: what they know is honoured, and what they don't is told and does no harm.
 * Source: the packages `spf13/pflag` (kube-apiserver) and `flag` (etcd).
 */
import { InkubeError } from "../../../protocols/errors.ts";

/** `switch`: needs no value. */
export type FlagKind = "value" | "switch";

export interface Flag {
  readonly kind: FlagKind;
  /** For `--help`. */
  readonly help: string;
  /** It is known, and what it asks for is not done: why. Absent: it is honoured, or asks for what is so anyway. */
  readonly unhonoured?: string;
}

export type Flags = Readonly<Record<string, Flag>>;

export interface CommandLine {
  readonly program: string;
  /** In a sentence. */
  readonly what: string;
  readonly flags: Flags;
}

export class FlagValues {
  private readonly values: ReadonlyMap<string, readonly string[]>;
  /** What was asked for and is not done, a line each. */
  readonly unhonoured: readonly string[];

  constructor(values: ReadonlyMap<string, readonly string[]>, unhonoured: readonly string[]) {
    this.values = values;
    this.unhonoured = unhonoured;
  }

  /** The last one counts. */
  value(name: string): string | undefined {
    return this.values.get(name)?.at(-1);
  }

  /** Of all that were given, comma-separated or one by one. */
  list(name: string): readonly string[] {
    return (this.values.get(name) ?? []).flatMap((value) => value.split(",")).filter((each) => each !== "");
  }

  /** Errors: INVALID_ARGUMENT. */
  isOn(name: string): boolean {
    const value = this.value(name) ?? "false";
    if (/^(1|t|T|true|True|TRUE)$/.test(value)) return true;
    if (/^(0|f|F|false|False|FALSE)$/.test(value)) return false;
    throw new InkubeError("INVALID_ARGUMENT", `invalid argument "${value}" for "--${name}" flag: it is true or false`);
  }

  /** Errors: INVALID_ARGUMENT. */
  port(name: string): number | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    const port = Number(value);
    if (/^\d+$/.test(value) && port <= 65_535) return port;
    throw new InkubeError("INVALID_ARGUMENT", `invalid argument "${value}" for "--${name}" flag: it is no port`);
  }
}

/** Errors: INVALID_ARGUMENT for a word that belongs to no flag, and a flag whose value is missing. */
export function parseFlags({ flags: known }: CommandLine, words: readonly string[]): FlagValues {
  const values = new Map<string, string[]>();
  const unhonoured: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    const match = /^--?([a-zA-Z][\w-]*)(?:=([\s\S]*))?$/.exec(word);
    if (match === null) throw new InkubeError("INVALID_ARGUMENT", `there is no argument ${JSON.stringify(word)}`);
    const [, name = "", given] = match;
    const flag = Object.hasOwn(known, name) ? known[name] : undefined;
    let value = given;
    const next = words[i + 1];
    // Of a flag that nobody knows what follows is its value, unless it is a flag itself.
    const takesNext = flag === undefined ? next !== undefined && !next.startsWith("-") : flag.kind === "value";
    if (value === undefined && takesNext) {
      if (next === undefined) throw new InkubeError("INVALID_ARGUMENT", `flag needs an argument: --${name}`);
      value = next;
      i++;
    }
    const all = values.get(name);
    if (all === undefined) values.set(name, [value ?? "true"]);
    else all.push(value ?? "true");
    const why = flag === undefined ? "inkube does not know it" : flag.unhonoured;
    if (why !== undefined) unhonoured.push(`--${name} is not honoured: ${why}`);
  }
  return new FlagValues(values, unhonoured);
}

/** One flag a line, as programs look for them in it. */
export function helpText({ program, what, flags }: CommandLine): string {
  const width = Math.max(...Object.keys(flags).map((name) => name.length));
  const lines = Object.entries(flags).map(([name, { help, unhonoured }]) => {
    const mark = unhonoured === undefined ? "" : " (not honoured)";
    return `      --${name.padEnd(width)}   ${help}${mark}`;
  });
  return `${what}\n\nUsage:\n  ${program} [flags]\n\nFlags:\n${lines.join("\n")}\n`;
}
