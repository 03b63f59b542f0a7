/** What the two programs of envtest have in common: how they are begun, ended, and say what they have to say. */
import { InkubeError } from "../../../protocols/errors.ts";
import type { CommandLine, FlagValues } from "./flags.ts";
import { helpText, parseFlags } from "./flags.ts";

/** Where `etcd` tells `kube-apiserver` about its data: `EtcdData` as JSON. */
export const DATA_PATH = "/inkube/data";

export interface EtcdData {
  readonly dataDir: string;
  /** Whether each write is on the disk before it is acknowledged. */
  readonly fsync: boolean;
}

export type Tell = (line: string) => void;

/** Runs the program, or prints its help; what it fails with is one line and exit code 1. */
export async function run(line: CommandLine, main: (flags: FlagValues, tell: Tell) => Promise<void>): Promise<void> {
  const tell: Tell = (text) => void process.stderr.write(`${line.program} (inkube): ${text}\n`);
  const words = process.argv.slice(2);
  try {
    if (words.includes("--help") || words.includes("-h")) {
      process.stdout.write(helpText(line));
      return;
    }
    const flags = parseFlags(line, words);
    for (const text of flags.unhonoured) tell(text);
    await main(flags, tell);
  } catch (error) {
    tell(error instanceof InkubeError ? error.message : String(error));
    process.exitCode = 1;
  }
}

/** Resolves at SIGTERM or SIGINT, which is how envtest and people end it. */
export function onceAsked(): Promise<void> {
  return new Promise((asked) => {
    process.once("SIGTERM", () => asked());
    process.once("SIGINT", () => asked());
  });
}
