/** `inkube join`: a node in this process, at the API servers of another one, until Ctrl-C. */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { Command, Option } from "commander";
import { JoinedNode } from "../join/joined-node.ts";
import type { JoinOptions } from "../join/options.ts";
import { integer } from "./arguments.ts";
import { refuse } from "./failure.ts";
import { parseImages } from "./images.ts";
import { stopRequest } from "./stop-request.ts";
import { duration } from "./view.ts";

interface Given {
  readonly token?: string;
  readonly discoveryTokenCaCertHash?: string;
  readonly ca?: string;
  readonly nodeName: string;
  readonly nodeIp?: string;
  readonly podCidr?: string;
  readonly kubeletPort: string;
  readonly label: readonly string[];
  readonly image: readonly string[];
  readonly pods: "real" | "simulated";
  readonly dataDir?: string;
}

export function joinCommand(): Command {
  return new Command("join")
    .description("run a node in this terminal, at an API server elsewhere, until Ctrl-C")
    .argument("<server...>", "API servers of the cluster, the preferred one first: https://host:port")
    .option("--token <token>", 'a bootstrap token: "inkube token create" makes one')
    .option("--discovery-token-ca-cert-hash <hash>", "of the cluster's authority, as kubeadm has it: sha256:…")
    .option("--ca <path>", "the certificate of the cluster's authority, in place of its hash")
    .option("--node-name <name>", "of the node", hostname().toLowerCase())
    .option("--node-ip <address>", "of this machine (default: the one by which it reaches the API server)")
    .option("--pod-cidr <range>", "addresses for pods that this machine can bind (default: they share the node's)")
    .option("--kubelet-port <port>", "of the kubelet's HTTPS; 0 is any free one", "10250")
    .option("--label <name=value...>", "labels of the node", [])
    .option("--image <name=what...>", "what an image runs: a JavaScript module, or a command", [])
    .addOption(
      new Option("--pods <how>", "simulated: containers cost nothing").choices(["real", "simulated"]).default("real"),
    )
    .option("--data-dir <path>", "keep the node's certificate and containers there (default: keep nothing)")
    .action(join);
}

async function join(servers: readonly string[], given: Given): Promise<void> {
  const options = joinOptionsOf(servers, given);
  const asked = stopRequest();
  const startedMs = performance.now();
  const node = await JoinedNode.join(options);
  let failed: (error: Error) => void = () => undefined;
  const failure = new Promise<never>((_, reject) => void (failed = reject));
  failure.catch(() => undefined);
  node.onEvent((event) => {
    if (event.type === "down") say(`${event.name} is down: ${event.reason}`);
    else if (event.type === "terminated" && event.reason !== "normal")
      failed(refuse("the node gave up: its actors failed again and again"));
  });
  try {
    say(`node ${node.name} is Ready in ${duration(performance.now() - startedMs)} at ${node.address}`);
    await Promise.race([asked, failure]);
    say("stopping");
  } finally {
    await node.stop();
  }
  say("stopped");
}

function joinOptionsOf(servers: readonly string[], given: Given): JoinOptions {
  const { token, nodeIp, podCidr, dataDir } = given;
  return {
    servers,
    ...(token === undefined ? {} : { token }),
    authority: authorityOf(given),
    nodeName: given.nodeName,
    ...(nodeIp === undefined ? {} : { nodeIP: nodeIp }),
    ...(podCidr === undefined ? {} : { podCIDR: podCidr }),
    kubeletPort: integer("--kubelet-port", given.kubeletPort, 0, 65_535),
    labels: Object.fromEntries(given.label.map(parseLabel)),
    images: parseImages(given.image),
    pods: given.pods,
    ...(dataDir === undefined ? {} : { dataDir }),
    onNotice: say,
  };
}

function authorityOf({ discoveryTokenCaCertHash: hash, ca }: Given): JoinOptions["authority"] {
  if (hash !== undefined && ca === undefined) return { hash };
  if (ca === undefined || hash !== undefined)
    throw refuse(
      "say whom to trust: --discovery-token-ca-cert-hash, which the join command has, or --ca, and not both",
    );
  try {
    return { certificate: readFileSync(ca, "utf8") };
  } catch (error) {
    throw refuse(`--ca: ${(error as Error).message}`);
  }
}

function parseLabel(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at <= 0) throw refuse(`--label takes NAME=VALUE, not "${text}"`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
