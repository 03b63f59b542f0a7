/** `inkube port-forward`: ports of this machine that lead into a pod. */
import { Command } from "commander";
import type { PortForward } from "../io/pod-streams.ts";
import { forwardPort } from "../io/pod-streams.ts";
import type { ConnectOptions } from "./connect.ts";
import { withKubeconfig } from "./connect.ts";
import { refuse } from "./failure.ts";
import { readConnection } from "./kubeconfig-file.ts";

interface PortForwardOptions extends ConnectOptions {
  readonly namespace: string;
}

const PORT_MAX = 65_535;

export function portForwardCommand(): Command {
  return withKubeconfig(
    new Command("port-forward")
      .description("reach ports of a pod on ports of this machine, until Ctrl-C")
      .argument("<pod>", "its name, or pod/NAME")
      .argument("<ports...>", "PORT, LOCAL:REMOTE, or :REMOTE for any that is free here")
      .option("-n, --namespace <name>", "where the pod is", "default"),
  ).action((pod: string, ports: readonly string[], options: PortForwardOptions) =>
    run(pod.replace(/^pods?\//, ""), ports, options),
  );
}

async function run(pod: string, ports: readonly string[], options: PortForwardOptions): Promise<void> {
  const asked = ports.map((text) => ({ text, ...pairOf(text) }));
  const connection = readConnection(options.kubeconfig);
  const open: PortForward[] = [];
  const close = (): void => {
    for (const each of open) void each.close();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, close);
  try {
    for (const { local, remote } of asked) {
      const forward = await forwardPort(connection, { pod, namespace: options.namespace }, remote, local);
      open.push(forward);
      console.log(`Forwarding from ${forward.host}:${forward.port} -> ${remote}`);
    }
    const why = await Promise.race(open.map(({ ended }) => ended));
    if (why !== undefined) throw why;
  } finally {
    close();
    await Promise.all(open.map(({ ended }) => ended));
  }
}

function pairOf(text: string): { readonly local: number; readonly remote: number } {
  const [first = "", second] = text.split(":");
  const remote = Number(second ?? first);
  const local = first === "" ? 0 : Number(first);
  const isPort = (port: number, min: number): boolean => Number.isInteger(port) && port >= min && port <= PORT_MAX;
  if (isPort(remote, 1) && isPort(local, 0) && text.split(":").length <= 2) return { local, remote };
  throw refuse(`a port is PORT, LOCAL:REMOTE or :REMOTE, not "${text}"`);
}
