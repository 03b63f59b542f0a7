/** `inkube exec`: runs a command in a container. */
import { Command } from "commander";
import { execInPod } from "../io/pod-streams.ts";
import type { ConnectOptions } from "./connect.ts";
import { withKubeconfig } from "./connect.ts";
import { refuse } from "./failure.ts";
import { readConnection } from "./kubeconfig-file.ts";

interface ExecOptions extends ConnectOptions {
  readonly namespace: string;
  readonly container?: string;
  readonly stdin?: boolean;
  readonly tty?: boolean;
}

export function execCommand(): Command {
  return withKubeconfig(
    new Command("exec")
      .description("run a command in a container of a pod")
      .usage("[options] <pod> -- <command> [arguments]")
      .argument("<pod>", "its name, or pod/NAME")
      .argument("<command...>", "the command and its arguments")
      .option("-n, --namespace <name>", "where the pod is", "default")
      .option("-c, --container <name>", "which container, when the pod has several")
      .option("-i, --stdin", "let the command read what this one is given")
      .option("-t, --tty", "with a terminal"),
  ).action(async (pod: string, command: readonly string[], options: ExecOptions) => {
    process.exitCode = await run(pod.replace(/^pods?\//, ""), command, options);
  });
}

/** @returns the exit code of the command */
async function run(pod: string, command: readonly string[], options: ExecOptions): Promise<number> {
  const { namespace, container, kubeconfig, stdin = false, tty = false } = options;
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
  if (tty && !(stdin && isTerminal)) throw refuse("-t needs -i, and a terminal to go on in");
  if (tty) process.stdin.setRawMode(true);
  try {
    return await execInPod(readConnection(kubeconfig), {
      pod,
      namespace,
      container,
      command,
      stdin: stdin ? process.stdin : undefined,
      tty,
      signal: undefined,
      output: (stream, bytes) => {
        if (process[stream].write(bytes)) return undefined;
        return new Promise((resolve) => process[stream].once("drain", resolve));
      },
      sizes: (tell) => {
        const { stdout } = process;
        const told = (): void => tell({ columns: stdout.columns, rows: stdout.rows });
        if (!tty) return;
        told();
        stdout.on("resize", told);
      },
    });
  } finally {
    if (tty) process.stdin.setRawMode(false);
  }
}
