/**
 * The tour (`npm start`): a cluster of three masters and three workers serves a shop, while a pod, the etcd leader, an
 * API server, the leading scheduler and a whole worker are killed. It tells how long each recovery took, seen from
 * outside, and how many of the shop's requests failed. On a terminal it stays up then; elsewhere it ends, with exit code
 * 1 when anything did not heal.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Cluster, InkubeError, pods, services } from "../../actors/cluster/index.ts";
import type { Pod } from "../../protocols/kubernetes/types/core-v1.ts";
import { Load } from "./tour/load.ts";
import { NotHealed, User, Watched } from "./tour/user.ts";

const SHOP = new URL("../test/examples/", import.meta.url);
const NAMESPACE = "shop";
const REQUESTS_PER_SECOND = 20;
const KUBECONFIG = "inkube.kubeconfig";
/** Steady traffic before the first kill and after each, so that the failures of one are not counted for the next. */
const BETWEEN_MS = 500;

const file = (name: string): string => fileURLToPath(new URL(name, SHOP));
const seconds = (ms: number): string => (ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`);
const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

function tell(text: string): void {
  process.stdout.write(`${text}\n`);
}

const isReady = (object: Pod): boolean =>
  object.metadata?.deletionTimestamp === undefined &&
  (object.status?.conditions ?? []).some(({ type, status }) => type === "Ready" && status === "True");

/** Whether the shop is whole on pods that `counts` lets count. */
function isWhole(all: readonly Pod[], counts: (pod: Pod) => boolean = () => true): boolean {
  const ready = (app: string): number =>
    all.filter((pod) => pod.metadata?.labels?.["app"] === app && isReady(pod) && counts(pod)).length;
  return ready("web") >= 6 && ready("backend") >= 2;
}

class Tour {
  private readonly cluster: Cluster;
  private readonly user: User;
  private readonly shopPods: Watched<Pod>;
  private readonly load: Load;
  private sent = 0;
  private failed = 0;

  constructor(cluster: Cluster, shopPods: Watched<Pod>, load: Load) {
    this.cluster = cluster;
    this.user = new User(cluster);
    this.shopPods = shopPods;
    this.load = load;
  }

  async run(): Promise<void> {
    await pause(BETWEEN_MS);
    await this.count();
    tell("");
    tell(row("killed", "until", "took", "requests failed"));
    await this.killPod();
    await this.killEtcdLeader();
    await this.killApiServer();
    await this.killScheduler();
    await this.killWorker();
    tell("");
    tell(`${this.sent} requests were sent in all, and ${this.failed} failed.`);
    for (const reason of this.load.reasons) tell(`  ${reason}`);
  }

  private async killPod(): Promise<void> {
    const victim = this.shopPods.list().find((pod) => pod.metadata?.labels?.["app"] === "web" && isReady(pod));
    const { name = "", uid } = victim?.metadata ?? {};
    await this.measure(`pod ${name}`, "6 web pods are Ready again", async () => {
      await this.cluster.client.delete(pods, name, NAMESPACE, { gracePeriodSeconds: 0 });
      return this.shopPods.until("6 Ready web pods", (all) => isWhole(all, (pod) => pod.metadata?.uid !== uid));
    });
  }

  private async killEtcdLeader(): Promise<void> {
    const leader = await this.leader("etcd");
    let write = 0;
    await this.measure(`${leader}, the leader`, "a write is acknowledged again", async () => {
      await this.cluster.kill(leader);
      await this.user.untilAnswered("PATCH", `/api/v1/namespaces/${NAMESPACE}/configmaps/web-config`, {
        metadata: { annotations: { "example.com/tour": String(++write) } },
      });
    });
    await this.actorsUp();
  }

  private async killApiServer(): Promise<void> {
    const server = await this.leader("api-server");
    await this.measure(`${server}, at the address`, "the address answers again", async () => {
      await this.cluster.kill(server);
      await this.user.untilAnswered("GET", `/api/v1/namespaces/${NAMESPACE}/pods`);
    });
    await this.actorsUp();
  }

  private async killScheduler(): Promise<void> {
    const leader = await this.leader("scheduler");
    const name = "tour-scheduled";
    await this.measure(`${leader}, the leader`, "a new pod is placed", async () => {
      await this.cluster.kill(leader);
      await this.cluster.apply({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name, namespace: NAMESPACE },
        spec: { terminationGracePeriodSeconds: 0, containers: [{ name: "pause", image: "pause" }] },
      });
      await this.shopPods.until("the new pod has a node", (all) =>
        all.some(({ metadata, spec }) => metadata?.name === name && spec?.nodeName !== undefined),
      );
    });
    await this.cluster.client.delete(pods, name, NAMESPACE, { gracePeriodSeconds: 0 });
    await this.actorsUp();
  }

  private async killWorker(): Promise<void> {
    const worker = this.busiestWorker();
    await this.measure(`${worker}, a whole node`, "its pods are Ready elsewhere", async () => {
      await this.cluster.kill(worker);
      await this.shopPods.until("all pods Ready on other workers", (all) =>
        isWhole(all, (pod) => pod.spec?.nodeName !== worker),
      );
    });
    await this.measure(`${worker} is started again`, "it is Ready", async () => {
      await this.cluster.restore(worker);
      await this.cluster.waitFor(`node/${worker}`, "Ready");
    });
  }

  private busiestWorker(): string {
    const counts = new Map<string, number>();
    for (const { spec } of this.shopPods.list()) {
      if (spec?.nodeName !== undefined) counts.set(spec.nodeName, (counts.get(spec.nodeName) ?? 0) + 1);
    }
    const [busiest] = [...counts].sort((left, right) => right[1] - left[1]);
    if (busiest === undefined) throw new NotHealed("no pod has a node");
    return busiest[0];
  }

  private async leader(role: "etcd" | "api-server" | "scheduler"): Promise<string> {
    const deadlineMs = performance.now() + 10_000;
    while (performance.now() < deadlineMs) {
      const leader = await this.cluster.leader(role);
      if (leader !== undefined) return leader;
      await pause(20);
    }
    throw new NotHealed(`nobody leads as ${role}`);
  }

  /** Prints one line of the table: `heal` kills and waits until it is healed. */
  private async measure(killed: string, healed: string, heal: () => Promise<void>): Promise<void> {
    const startMs = performance.now();
    await heal();
    const tookMs = performance.now() - startMs;
    await pause(BETWEEN_MS);
    const { sent, failed } = await this.count();
    tell(row(killed, healed, seconds(tookMs), `${failed} of ${sent}`));
  }

  private async count(): Promise<{ readonly sent: number; readonly failed: number }> {
    const count = await this.load.take();
    this.sent += count.sent;
    this.failed += count.failed;
    return count;
  }

  /** What was killed is replaced before the next one goes: three survive the loss of one. */
  private async actorsUp(): Promise<void> {
    const deadlineMs = performance.now() + 10_000;
    const down = (): readonly string[] =>
      this.cluster.actors().flatMap(({ name, state }) => (state === "up" ? [] : [name]));
    while (down().length > 0) {
      if (performance.now() > deadlineMs) throw new NotHealed(`still down: ${down().join(", ")}`);
      await pause(20);
    }
  }
}

function row(killed: string, until: string, took: string, failed: string): string {
  return `  ${killed.padEnd(28)} ${until.padEnd(28)} ${took.padStart(8)}  ${failed.padStart(12)}`.trimEnd();
}

async function main(): Promise<void> {
  const startMs = performance.now();
  tell("Starting 3 masters and 3 workers, each actor on a thread of its own …");
  await using cluster = await Cluster.start({
    masters: 3,
    workers: 3,
    images: { "shop/web:1": { module: file("shop/web.js") }, "shop/backend:1": { module: file("shop/backend.js") } },
  });
  tell(`${seconds(performance.now() - startMs)}: ready. The Kubernetes API is at ${cluster.server}`);
  const shopPods = new Watched(cluster, pods, NAMESPACE);
  await cluster.apply(readFileSync(file("shop.yaml"), "utf8"));
  await shopPods.until("the shop's pods are Ready", isWhole);
  tell(`${seconds(performance.now() - startMs)}: shop.yaml is applied, and its 8 pods are Ready on 3 workers.`);
  const web = await cluster.client.get(services, "web", NAMESPACE);
  const url = `http://127.0.0.1:${web.spec?.ports?.[0]?.nodePort ?? 0}/`;
  tell(`Now ${REQUESTS_PER_SECOND} requests a second go to ${url} (Service "web"), while things are killed:`);
  const load = new Load(url, REQUESTS_PER_SECOND);
  try {
    await new Tour(cluster, shopPods, load).run();
  } finally {
    load.stop();
    shopPods.stop();
  }
  tell(`${seconds(performance.now() - startMs)}: everything has healed.`);
  if (process.stdout.isTTY) await stay(cluster, url);
}

/** Until Ctrl-C. */
async function stay(cluster: Cluster, url: string): Promise<void> {
  writeFileSync(KUBECONFIG, cluster.kubeconfig, { mode: 0o600 });
  tell("");
  tell("The cluster stays up; look around:");
  tell(`  kubectl --kubeconfig ${KUBECONFIG} -n ${NAMESPACE} get pods -o wide`);
  tell(`  node dist/cli.js trace --object pods/${NAMESPACE}/web --follow`);
  tell(`  curl ${url}`);
  tell("Ctrl-C stops it.");
  await new Promise<void>((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
  rmSync(KUBECONFIG, { force: true });
}

main().catch((error: unknown) => {
  const isKnown = error instanceof NotHealed || error instanceof InkubeError;
  process.stderr.write(`inkube: ${isKnown ? error.message : String((error as Error).stack ?? error)}\n`);
  process.exitCode = 1;
});
