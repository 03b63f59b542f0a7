/** Faults of Kubernetes' own level on threads, with real containers: the same plans as in the simulation. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "../../../actors/cluster/cluster.ts";
import { publishedAddresses, publishedPlace } from "../../../protocols/published-addresses.ts";
import type { Deployment } from "../../../protocols/kubernetes/types/apps-v1.ts";
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { Fault } from "../../../runtime/faults/plan.ts";
import { inkube } from "../../fixtures/built.ts";
import { Program } from "../../fixtures/program.ts";
import { until } from "../../fixtures/until.ts";

const { pods, nodes, services, configMaps } = inkube;
const ASKER = fileURLToPath(new URL("../../fixtures/programs/asker.mjs", import.meta.url));
const MANIFEST = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: "asker:1", ports: [{ containerPort: 8080 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
`;

let cluster: Cluster;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "inkube-test-faults-"));
  cluster = await inkube.Cluster.start({ masters: 1, workers: 2, images: { "asker:1": { module: ASKER } } });
  writeFileSync(join(directory, "kubeconfig"), cluster.kubeconfig);
  await cluster.apply(MANIFEST);
  await cluster.waitFor("deployment/web", "RolledOut");
});
afterAll(async () => {
  await cluster?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** While the faults are in force: what was told of them, and by `work` what came of them. */
async function under(
  faults: readonly Fault[],
  work: (told: readonly string[]) => Promise<unknown>,
): Promise<readonly string[]> {
  const told: string[] = [];
  const plan = cluster.applyFaults({ faults }, ({ id }, what) => void told.push(`${id} ${what}`));
  try {
    await plan.settled();
    await work(told);
  } finally {
    await plan.stop();
  }
  return told;
}

const webPods = async (): Promise<readonly Pod[]> =>
  (await cluster.client.list(pods, { namespace: "default", labelSelector: "app=web" })).items;
const restartsOf = ({ status }: Pod): number => status?.containerStatuses?.[0]?.restartCount ?? 0;

/** What a container of the Service, or of that pod, finds out about a host. */
async function asked(host: string, pod?: Pod): Promise<Record<string, string>> {
  const service = await cluster.client.get(services, "web", "default");
  const own = { host: service.spec?.clusterIP ?? "", port: 80 };
  const place =
    pod === undefined
      ? (publishedPlace(publishedAddresses(service), 80) ?? own)
      : { host: pod.status?.podIP ?? "", port: 8080 };
  return new Promise((resolve, reject) => {
    const sent = request({ ...place, path: `/?${host}`, agent: false }, (answer) => {
      let text = "";
      answer.on("data", (piece: Buffer) => (text += piece.toString()));
      answer.on("end", () => resolve(JSON.parse(text) as Record<string, string>));
    });
    sent.on("error", reject);
    sent.end();
  });
}

describe("on threads", () => {
  it("a pod is killed, and its container started again", async () => {
    const told = await under([{ id: "kill", kind: "pod-kill", pod: "default/web-*" }], async () => {
      await until("a restart", async () => (await webPods()).some((pod) => restartsOf(pod) > 0));
    });
    expect(told).toEqual([expect.stringMatching(/^kill kills default\/web-\S+ \(web\)$/)]);
    const killed = (await webPods()).find((pod) => restartsOf(pod) > 0);
    expect(killed?.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode).toBe(137);
    await cluster.waitFor("deployment/web", "RolledOut");
  });

  it("a pod is killed when something else happens, and not before", async () => {
    const when = { on: "write", phase: "after", of: "configmaps/default/go", verb: "create" } as const;
    const told = await under([{ id: "later", kind: "pod-kill", pod: "default/web-*", when }], async (so) => {
      const before = (await webPods()).map(restartsOf);
      await cluster.client.create(configMaps, { metadata: { name: "stay", namespace: "default" } });
      await cluster.client.create(configMaps, { metadata: { name: "go", namespace: "default" } });
      await until("a strike", () => Promise.resolve(so.length >= 2));
      await until("a restart", async () => {
        const now = (await webPods()).map(restartsOf);
        return now.reduce((sum, count) => sum + count, 0) > before.reduce((sum, count) => sum + count, 0);
      });
    });
    expect(told).toEqual([
      expect.stringMatching(/^later is triggered after create configmaps default\/go by /),
      expect.stringMatching(/^later kills default\/web-\S+ \(web\)$/),
    ]);
    await cluster.waitFor("deployment/web", "RolledOut");
  });

  it("a Service's name is not found by containers, and found again", async () => {
    const before = await asked("web.default");
    expect(before).toMatchObject({ lookup: expect.stringMatching(/^127\./) as string, get: "200" });
    await under([{ id: "dns", kind: "dns-fail", service: "default/web" }], async (told) => {
      await until("it is told", () => told.filter((line) => line.startsWith("dns hides default/web")).length === 2);
      const failed = { lookup: "EAI_AGAIN", resolve: "ESERVFAIL", get: "EAI_AGAIN" };
      expect(await asked("web.default")).toEqual(failed);
      expect(await asked("web")).toEqual(failed);
      // Others are found as ever.
      expect(await asked("kubernetes.default")).toMatchObject({ lookup: expect.stringMatching(/^127\./) as string });
    });
    await until("it is found", async () => (await asked("web.default")).get === "200");
  });

  it("two pods do not reach each other, but all else, until it ends", async () => {
    const [left, right] = (await webPods()) as [Pod, Pod];
    const nameOf = ({ metadata }: Pod): string => `default/${metadata?.name ?? ""}`;
    const reaches = async (from: Pod, to: Pod): Promise<string | undefined> =>
      (await asked(`${to.status?.podIP ?? ""}:8080`, from)).get;
    const cut: Fault = { id: "cut", kind: "pod-network-loss", between: [nameOf(left), nameOf(right)] };
    await under([cut], async (told) => {
      await until("it is told", () => told.filter((line) => line.startsWith("cut cuts 1 pair")).length === 2);
      expect(await Promise.all([reaches(left, right), reaches(right, left)])).toEqual(["TIMEOUT", "TIMEOUT"]);
      expect(await reaches(left, left)).toBe("200");
    });
    await until(
      "they do",
      async () => (await reaches(left, right)) === "200" && (await reaches(right, left)) === "200",
    );
  });

  it("a worker is lost, and comes back when the plan is stopped", async () => {
    const told = await under([{ id: "loss", kind: "node-loss", at: "worker-1" }], async () => {
      expect(cluster.actors().find(({ name }) => name === "worker-1/kubelet")?.state).not.toBe("up");
      await cluster.waitFor("node/worker-1", "Ready=Unknown");
    });
    // The plan is over when its machines are up again.
    expect(cluster.actors().find(({ name }) => name === "worker-1/kubelet")?.state).toBe("up");
    expect(told).toEqual(["loss hits worker-1", "loss lets worker-1 come back"]);
    await cluster.waitFor("node/worker-1", "Ready");
    await cluster.waitFor("deployment/web", "RolledOut");
  });

  it("a node is drained, and takes pods again in the end", async () => {
    await under([{ id: "drain", kind: "node-drain", at: "worker-0" }], async () => {
      await until("no pod is left there", async () =>
        (await webPods()).every(({ spec, metadata }) => spec?.nodeName === "worker-1" && !metadata?.deletionTimestamp),
      );
    });
    await until("it takes pods", async () => {
      const { spec, metadata } = await cluster.client.get(nodes, "worker-0");
      return spec?.unschedulable !== true && Object.keys(metadata?.annotations ?? {}).length === 0;
    });
    await cluster.waitFor("deployment/web", "RolledOut");
  });

  it("a node that is short of memory evicts its pods, and says what they used", async () => {
    const evicted = async (): Promise<readonly Pod[]> =>
      (await webPods()).filter(({ status }) => status?.reason === "Evicted");
    const [here] = await webPods();
    const at = here?.spec?.nodeName ?? "";
    const told = await under([{ id: "short", kind: "memory-pressure", at }], async () => {
      await cluster.waitFor(`node/${at}`, "MemoryPressure");
      await until("an eviction", async () => (await evicted()).length > 0);
      await until("its place is taken", async () => {
        const running = (await webPods()).filter(({ status }) => status?.phase === "Running");
        return running.length === 2 && running.every(({ spec }) => spec?.nodeName !== at);
      });
    });
    expect(told).toContainEqual(expect.stringMatching(new RegExp(`^short evicts default/web-\\S+ from ${at}$`)));
    const [gone] = await evicted();
    expect(gone?.status?.phase).toBe("Failed");
    expect(gone?.status?.message).toMatch(
      /^The node was low on resource: memory\. Container web was using \d+\w*, request is 0, has larger consumption of memory\. $/,
    );
    await cluster.waitFor(`node/${at}`, "MemoryPressure=False");
    for (const { metadata } of await evicted()) await cluster.client.delete(pods, metadata!.name!, "default");
    await cluster.waitFor("deployment/web", "RolledOut");
  });

  it("a stored object is another, and an image is gone for the pods that it asks for", async () => {
    const flip = { id: "flip", kind: "object-flip", of: "deployments.apps/default/web" } as const;
    await under(
      [
        { id: "gone", kind: "image-gone", image: "asker:*" },
        { ...flip, field: "spec.replicas", to: 3 },
      ],
      async (told) => {
        const reason = ({ status }: Pod): string | undefined => status?.containerStatuses?.[0]?.state?.waiting?.reason;
        await until("a pod without its image", async () => (await webPods()).some((pod) => reason(pod) !== undefined));
        await until("it is told", () => told.some((line) => line.startsWith("gone keeps asker:1 from worker-")));
        expect(told).toContain("flip flips spec.replicas from 2 to 3 of deployments/default/web");
      },
    );
    await cluster.waitFor<Deployment>("deployment/web", ({ status }) => status?.readyReplicas === 3);
  });

  it("the actors of a master are restarted one after the other, and serve again", async () => {
    const ups: string[] = [];
    const unlisten = cluster.onEvent((event) => {
      if (event.type === "up") ups.push(event.name);
    });
    await under([{ id: "upgrade", kind: "node-upgrade", at: "master-0" }], () => Promise.resolve());
    unlisten();
    expect(ups).toEqual(["etcd-0", "api-server-0", "scheduler-0", "controller-manager-0"]);
    expect((await webPods()).length).toBeGreaterThan(0);
  });
});

const PROBES = [{ name: "web answers", get: { service: "default/web" }, during: 0.5 }];

describe("a schedule", () => {
  it("is gone through, with its verdict", async () => {
    const faults: readonly Fault[] = [{ id: "kill", kind: "pod-kill", pod: "default/web-*", everyMs: 500, forMs: 900 }];
    const report = await cluster.chaos({ faults, probes: PROBES, everyMs: 100 });
    expect(report).toMatchObject({ verdict: "holds", reasons: [] });
    expect(report.struck).toContainEqual(
      expect.objectContaining({ fault: "kill", what: expect.stringContaining("kills") as string }),
    );
  });

  it("may have faults that wait for something", async () => {
    const when = { on: "lease", phase: "after", of: "leases.*/kube-node-lease/worker-0", nth: 2 } as const;
    const faults: readonly Fault[] = [{ id: "late", kind: "pod-kill", pod: "default/web-*", when }];
    const report = await cluster.chaos({ faults, probes: PROBES, everyMs: 100, forMs: 4_000 });
    expect(report).toMatchObject({ verdict: "holds", reasons: [] });
    expect(report.struck.map(({ what }) => what)).toEqual([
      "is triggered after update leases.coordination.k8s.io kube-node-lease/worker-0 by system:node:worker-0",
      expect.stringMatching(/^kills default\/web-/),
    ]);
  });

  it("with a fault that nobody answers to is refused before anything is broken", async () => {
    const good: Fault = { id: "kill", kind: "pod-kill", pod: "default/web-*" };
    const faults: readonly Fault[] = [good, { id: "loss", kind: "node-loss", at: "worker-9", downMs: 1 }];
    const lines: string[] = [];
    const going = cluster.chaos({ faults, probes: PROBES }, { onLine: (line) => void lines.push(line) });
    await expect(going).rejects.toMatchObject({ code: "INVALID_FAULT_PLAN" });
    expect(lines).toEqual([]);
  });

  /** Runs `inkube chaos live` to its end. */
  async function live(plan: string, ...more: readonly string[]): Promise<Program> {
    writeFileSync(join(directory, "plan.yaml"), plan);
    const program = Program.inkube(
      ["chaos", "live", "--plan", "plan.yaml", "--kubeconfig", "kubeconfig", ...more],
      directory,
    );
    await program.exited;
    return program;
  }

  it("of the command line holds: exit code 0, and what happened line by line", async () => {
    const program = await live(
      `
faults: [{ id: kill, kind: pod-kill, pod: default/web-*, everyMs: 400, forMs: 700 }]
probes: [{ name: web answers, get: { service: default/web }, during: 0 }]
everyMs: 100
`,
    );
    expect(`${program.stderr}${String(program.code)}`).toBe("0");
    expect(program.stdout).toMatch(/fault kill \(pod-kill\) kills default\/web-\S+ \(web\)\n/);
    expect(program.stdout).toMatch(/web answers: held at \d+ of \d+ looks during the faults\n/);
    expect(program.stdout).toMatch(/verdict: holds\n$/);
    expect(await cluster.client.find(configMaps, "inkube-chaos", "kube-system")).toBeUndefined();
  });

  it("of the command line that does not hold is exit code 1, for as long as --for says", async () => {
    const program = await live(
      `
faults: [{ id: loss, kind: node-loss, at: worker-*, victims: all }]
probes: [{ name: web answers, get: { service: default/web, timeoutMs: 200 } }]
everyMs: 100
`,
      "--for",
      "1s",
    );
    expect(`${program.stderr}${String(program.code)}`).toBe("1");
    expect(program.stdout).toMatch(/web answers held at \d+ of \d+ looks during the faults, less than 100 %/);
    expect(program.stdout).toMatch(/verdict: found\n$/);
  });

  it("of the command line without a steady state to begin with is exit code 5, and nothing is broken", async () => {
    const program = await live(
      `
faults: [{ id: loss, kind: node-loss, at: worker-*, victims: all }]
probes: [{ name: nobody answers, get: { service: default/nobody, timeoutMs: 200 } }]
everyMs: 100
steadyMs: 500
forMs: 1000
`,
    );
    expect(`${program.stderr}${String(program.code)}`).toBe("5");
    expect(program.stdout).toMatch(/verdict: unsteady\n$/);
    expect(program.stdout).not.toContain("fault loss");
  });

  it("of the command line is called off by Ctrl-C: exit code 3, and the cluster ends every fault", async () => {
    writeFileSync(
      join(directory, "plan.yaml"),
      `
faults: [{ id: loss, kind: node-loss, at: worker-0, downMs: 600000 }]
probes: [{ name: web answers, get: { service: default/web }, during: 0 }]
everyMs: 100
forMs: 600000
`,
    );
    const program = Program.inkube(["chaos", "live", "--plan", "plan.yaml", "--kubeconfig", "kubeconfig"], directory);
    await program.printed(/fault loss \(node-loss\)/);
    program.kill("SIGINT");
    expect(await program.exited).toBe(3);
    expect(program.stdout).toContain("stopped: the cluster ends every fault");
    expect(await cluster.client.find(configMaps, "inkube-chaos", "kube-system")).toBeUndefined();
    await cluster.waitFor("node/worker-0", "Ready");
    await cluster.waitFor<Deployment>("deployment/web", ({ spec, status }) => status?.readyReplicas === spec?.replicas);
  });

  it.each([
    ["no schedule", "[1]", "it is no object"],
    ["a misspelt field", "faults: [{}]\nprobs: []", "did you mean probes?"],
    ["no YAML", "faults: [", "is no YAML"],
    [
      "a place that nobody answers to",
      "faults: [{ id: a, kind: node-drain, at: worker-9, forMs: 1 }]\nprobes: [{ name: a, get: { service: default/web } }]",
      "nobody answers to worker-9; did you mean worker-0?",
    ],
  ])("of the command line with %s is refused: exit code 2", async (_what, plan, said) => {
    const program = await live(plan);
    expect(program.code).toBe(2);
    expect(program.stderr).toContain(said);
    expect(program.stdout).toBe("");
  });
});
