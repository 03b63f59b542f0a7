/** Nodes in processes of their own, which join a cluster by the command that it gives, run its pods, are lost and come back. */
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "../../actors/cluster/cluster.ts";
import { makeAuthority } from "../../actors/cluster/io/certificates.ts";
import type { Deployment, Node, Pod } from "../../actors/cluster/index.ts";
import { inkube } from "../fixtures/built.ts";
import { Kubectl } from "../fixtures/kubectl.ts";
import { Program } from "../fixtures/program.ts";
import { until } from "../fixtures/until.ts";

const directory = mkdtempSync(join(tmpdir(), "inkube-join-"));
const programs: Program[] = [];
let cluster: Cluster;
let kubectl: Kubectl;
let command: readonly string[];
beforeAll(async () => {
  cluster = await inkube.Cluster.start({ masters: 1, workers: 0 });
  kubectl = new Kubectl(cluster.kubeconfig);
  command = (await cluster.joinCommand()).split(" ").slice(1);
});
afterAll(async () => {
  for (const program of programs) program.kill("SIGTERM");
  await Promise.all(programs.map(({ exited }) => exited));
  kubectl?.close();
  await cluster?.stop();
  rmSync(directory, { recursive: true });
});

function run(...args: readonly string[]): Program {
  const program = Program.inkube(args, directory);
  programs.push(program);
  return program;
}

const start = (name: string, ...more: readonly string[]): Program =>
  run(...command, "--node-name", name, "--data-dir", join(directory, name), ...more);
const withoutToken = (): readonly string[] => {
  const at = command.indexOf("--token");
  return command.toSpliced(at, 2);
};

const podsOf = async (node: string): Promise<readonly Pod[]> =>
  (await cluster.client.list(inkube.pods, { fieldSelector: `spec.nodeName=${node}` })).items;
const readyNode = (name: string): Promise<unknown> =>
  cluster.waitFor(`node/${name}`, (node: Node) =>
    Boolean(node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True")),
  );

function codeOf(
  url: string,
  credential: { readonly certificate: string; readonly key: string } | undefined,
): Promise<number> {
  const tls = credential === undefined ? {} : { cert: credential.certificate, key: credential.key };
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { rejectUnauthorized: false, agent: false, ...tls });
    outgoing.on("response", (answer) => resolve(answer.resume().statusCode ?? 0));
    outgoing.on("error", reject).end();
  });
}

const WEB = [
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas: 4,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "web", image: "nginx", ports: [{ containerPort: 80 }] }] },
      },
    },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
  },
];

describe("nodes that join", () => {
  it("run the cluster's pods, serve its Services, and give logs and metrics to its API servers", async () => {
    await Promise.all(["one", "two"].map((name) => start(name).printed(new RegExp(`node ${name} is Ready`), 60_000)));
    await cluster.apply(WEB);
    await cluster.waitFor("deployment/web", "RolledOut", { timeoutMs: 60_000 });
    expect([(await podsOf("one")).length, (await podsOf("two")).length]).toEqual([2, 2]);
    const ip = (await kubectl.run("get service web -o jsonpath={.spec.clusterIP}")).trim();
    expect(await until("the Service answers", async () => (await fetch(`http://${ip}/`)).text())).toContain("nginx");
    const [pod] = await podsOf("one");
    expect(await kubectl.run(`logs ${pod?.metadata?.name ?? ""}`)).toContain("listening on port 80");
    expect(await kubectl.run("get --raw /api/v1/nodes/one/proxy/metrics/resource")).toContain(
      "resource_scrape_error 0",
    );
    expect(await kubectl.run("get csr --no-headers")).toMatch(/system:bootstrap:.*Approved,Issued/);
  }, 180_000);

  it("lose their pods to others when they are killed, and come back by the certificate that they keep", async () => {
    programs[0]?.kill("SIGKILL");
    await cluster.waitFor("deployment/web", (web: Deployment) => web.status?.readyReplicas !== 4, {
      timeoutMs: 60_000,
    });
    await cluster.waitFor("deployment/web", (web: Deployment) => web.status?.readyReplicas === 4, {
      timeoutMs: 60_000,
    });
    expect((await podsOf("two")).length).toBe(4);
    const again = run(...withoutToken(), "--node-name", "one", "--data-dir", join(directory, "one"));
    await again.printed(/node one is Ready/, 60_000);
    await readyNode("one");
  }, 180_000);

  it("let nobody read a kubelet but who may, and may be told apart by a certificate", async () => {
    const { status } = await cluster.client.get(inkube.nodes, "two");
    const host = status?.addresses?.find(({ type }) => type === "InternalIP")?.address ?? "";
    const code = (credential: { readonly certificate: string; readonly key: string } | undefined): Promise<number> =>
      codeOf(`https://${host}:10250/metrics`, credential);
    expect(await code(undefined)).toBe(401);
    const stranger = makeAuthority("stranger", Date.now());
    expect(await code(stranger)).toBe(401);
    expect(await code(cluster.clientCertificate("somebody"))).toBe(200);
  }, 60_000);

  it.each([
    [
      "another cluster's hash",
      ["--discovery-token-ca-cert-hash", `sha256:${"0".repeat(64)}`],
      /is not the cluster that is meant/,
    ],
    ["a token that is not known", ["--token", "aaaaaa.bbbbbbbbbbbbbbbb"], /does not know the token/],
    ["a name that the cluster gives itself", ["--node-name", "worker-7"], /take another name/],
    ["no address", ["--node-ip", "0.0.0.0"], /must be an IPv4 address/],
  ])(
    "are refused with %s, in words",
    async (_what, changes, words) => {
      const [option = "", value = ""] = changes;
      const given = command.includes(option)
        ? command.with(command.indexOf(option) + 1, value)
        : [...command, ...changes];
      const program = run(...given, ...(option === "--node-name" ? [] : ["--node-name", "x"]));
      expect(await program.exited).toBe(1);
      expect(program.stderr).toMatch(words);
    },
    60_000,
  );
});
