/** What is asked of the cluster while things are broken: Deployments of several kinds, and pods that end by themselves. */
import { hasCode } from "../../../protocols/errors.ts";
import { hasReason } from "../../../protocols/api-server.ts";
import type { Deployment } from "../../../protocols/kubernetes/types/apps-v1.ts";
import type { Pod, PodSpec, PodTemplateSpec, Service } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { Random } from "../../../runtime/random.ts";
import { deployments, pods, services } from "../../client/resources.ts";
import { EMBEDDER } from "../topology.ts";
import { DEBUGGED, DEBUGGER_ANNOTATIONS } from "./debuggers.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";
import type { Feature } from "./swarm.ts";
import { one } from "./swarm.ts";

const NAMESPACE = "default";
export const REPLICAS = 6;
/** Tasks that are there at a time. */
const TASKS_MAX = 16;
const TASK_PAUSE_MS = 4_000;
const NEVER_MS = 86_400_000;
/** As Kubernetes has it unless told otherwise; the simulated cluster gives up a lost node's pods after a second. */
const PATIENCE_SECONDS = 300;

interface Kind {
  readonly name: string;
  readonly strategy: NonNullable<Deployment["spec"]>["strategy"];
  readonly annotations: Readonly<Record<string, string>>;
  readonly replicas: number;
}

export interface Task {
  readonly name: string;
  /** The phase that it comes to by itself; undefined: it goes on for ever. */
  readonly ends: "Succeeded" | "Failed" | undefined;
}

export class Workload {
  /** Replicas that were asked for last, by Deployment. */
  readonly replicas: Map<string, number> = new Map();
  tasks: Task[] = [];
  private readonly cluster: SimulatedCluster;
  private readonly random: Random;
  private readonly features: ReadonlySet<Feature>;
  private readonly tell: (line: string) => void;
  private image = 1;
  private count = 0;
  private isOver = false;
  private working: Promise<void> = Promise.resolve();

  constructor(cluster: SimulatedCluster, features: ReadonlySet<Feature>, tell: (line: string) => void) {
    this.cluster = cluster;
    this.features = features;
    this.tell = tell;
    this.random = cluster.host.world.random("workload");
  }

  async start(limitMs: number): Promise<void> {
    const { client } = this.cluster;
    await client.create(services, service());
    for (const kind of this.kinds()) {
      this.replicas.set(kind.name, kind.replicas);
      await client.create(deployments, deployment(kind));
    }
    await this.cluster.waitFor(deployments, "web", NAMESPACE, "RolledOut", limitMs);
    this.tell(`deployment web has ${REPLICAS} pods`);
    if (!this.features.has("tasks")) return;
    this.working = this.makeTasks();
    this.cluster.host.context.spawn(() => this.working);
  }

  /** One change of what is asked for. */
  async change(): Promise<void> {
    const draw = this.random.below(this.features.has("rollouts") ? 8 : 5);
    if (draw < 2) return this.scale("web", 1 + this.random.below(2 * REPLICAS));
    if (draw < 3) return this.rollOut("web", {});
    if (draw < 5) return this.deletePod();
    const name = one(this.random, ["again", "slow"]);
    if (draw < 6) return this.scale(name, 1 + this.random.below(4));
    // Ready at once, late or never.
    return this.rollOut(name, readyAfter(one(this.random, [0, 4_000, NEVER_MS])));
  }

  /** No pod ends or stays unready by itself any more, but those of tasks. */
  async settle(): Promise<void> {
    this.isOver = true;
    await this.working;
    const steady = ["web", DEBUGGED];
    for (const name of this.replicas.keys()) if (!steady.includes(name)) await this.rollOut(name, readyAfter(0));
  }

  private kinds(): readonly Kind[] {
    const rolling = { type: "RollingUpdate" } as const;
    return [
      { name: "web", strategy: rolling, annotations: {}, replicas: REPLICAS },
      ...(this.features.has("rollouts")
        ? [
            { name: "again", strategy: { type: "Recreate" } as const, annotations: readyAfter(2_000), replicas: 2 },
            {
              name: "slow",
              strategy: { ...rolling, rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
              annotations: readyAfter(1_000),
              replicas: 2,
            },
          ]
        : []),
      ...(this.features.has("tasks")
        ? [{ name: "crash", strategy: rolling, annotations: exitAfter(6_000, 1), replicas: 2 }]
        : []),
      ...(this.features.has("debuggers")
        ? [{ name: DEBUGGED, strategy: rolling, annotations: DEBUGGER_ANNOTATIONS, replicas: REPLICAS }]
        : []),
    ];
  }

  private async scale(name: string, replicas: number): Promise<void> {
    this.replicas.set(name, replicas);
    await this.cluster.client.patch(deployments, name, NAMESPACE, { spec: { replicas } });
    this.tell(`deployment ${name} is scaled to ${replicas}`);
  }

  private async rollOut(name: string, annotations: Readonly<Record<string, string>>): Promise<void> {
    const image = `nginx:1.${++this.image}`;
    const [container] = template(name, {}).spec?.containers ?? [];
    const patch = {
      metadata: { annotations: { ...forgotten(), ...annotations } },
      spec: { containers: [{ ...container, image }] },
    };
    await this.cluster.client.patch(deployments, name, NAMESPACE, { spec: { template: patch } });
    this.tell(`deployment ${name} gets image ${image} ${Object.entries(annotations).join(" ")}`);
  }

  private async deletePod(): Promise<void> {
    const { items } = await this.cluster.client.list(pods, { namespace: NAMESPACE, labelSelector: "app" });
    const pod = items.length === 0 ? undefined : items[this.random.below(items.length)];
    if (pod?.metadata?.name === undefined) return;
    await remove(this.cluster, pod.metadata.name);
    this.tell(`pod ${pod.metadata.name} is deleted`);
  }

  /** Pods that run for some seconds and end, well or not; the oldest make room. */
  private async makeTasks(): Promise<void> {
    while (!this.isOver) {
      await this.cluster.clock.sleep(this.random.below(TASK_PAUSE_MS));
      const exitCode = this.random.below(2);
      const restartPolicy = one(this.random, ["Never", "OnFailure"] as const);
      const task: Task = { name: `task-${this.count++}`, ends: phaseOf(restartPolicy, exitCode) };
      const annotations = exitAfter(200 + this.random.below(8_000), exitCode);
      try {
        await this.cluster.client.create(pods, taskPod(task.name, restartPolicy, annotations));
        this.tasks.push(task);
        if (this.tasks.length > TASKS_MAX) await remove(this.cluster, this.tasks.shift()!.name);
      } catch (error) {
        // Without an answer it may be there, or not.
        if (!hasCode(error)) throw error;
      }
    }
  }
}

async function remove(cluster: SimulatedCluster, name: string): Promise<void> {
  try {
    await cluster.client.delete(pods, name, NAMESPACE);
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
  }
}

function phaseOf(restartPolicy: "Never" | "OnFailure", exitCode: number): Task["ends"] {
  if (exitCode === 0) return "Succeeded";
  return restartPolicy === "Never" ? "Failed" : undefined;
}

function readyAfter(readyAfterMs: number): Readonly<Record<string, string>> {
  return { "inkube.dev/simulated-ready-after-ms": String(readyAfterMs) };
}

function exitAfter(exitAfterMs: number, exitCode: number): Readonly<Record<string, string>> {
  return {
    "inkube.dev/simulated-exit-after-ms": String(exitAfterMs),
    "inkube.dev/simulated-exit-code": String(exitCode),
  };
}

/** As a merge patch removes annotations. */
function forgotten(): Readonly<Record<string, null>> {
  return { "inkube.dev/simulated-exit-after-ms": null, "inkube.dev/simulated-exit-code": null };
}

function template(name: string, annotations: Readonly<Record<string, string>>): PodTemplateSpec {
  const ports = [{ containerPort: 80 }];
  const probed = { readinessProbe: { httpGet: { port: 80, path: "/" }, periodSeconds: 1 } };
  const container = { name, image: "nginx:1.1", ports, ...(["web", "crash", DEBUGGED].includes(name) ? {} : probed) };
  const spec = { containers: [container], ...(name === DEBUGGED ? { tolerations: patience() } : {}) };
  return { metadata: { labels: { app: name }, annotations }, spec };
}

/** Its pods stay on a node that is lost for a while, and go on there when it is back. */
function patience(): NonNullable<PodSpec["tolerations"]> {
  return ["not-ready", "unreachable"].map((what) => ({
    key: `node.kubernetes.io/${what}`,
    operator: "Exists",
    effect: "NoExecute",
    tolerationSeconds: PATIENCE_SECONDS,
  }));
}

function deployment({ name, strategy, annotations, replicas }: Kind): Deployment {
  return {
    metadata: { name, namespace: NAMESPACE, labels: { by: EMBEDDER } },
    spec: {
      replicas,
      ...(strategy === undefined ? {} : { strategy }),
      selector: { matchLabels: { app: name } },
      template: template(name, annotations),
    },
  };
}

function taskPod(
  name: string,
  restartPolicy: "Never" | "OnFailure",
  annotations: Readonly<Record<string, string>>,
): Pod {
  return {
    metadata: { name, namespace: NAMESPACE, annotations },
    spec: { restartPolicy, containers: [{ name: "task", image: "task:1" }] },
  };
}

function service(): Service {
  return {
    metadata: { name: "web", namespace: NAMESPACE },
    spec: { selector: { app: "web" }, ports: [{ port: 80, protocol: "TCP" }] },
  };
}
