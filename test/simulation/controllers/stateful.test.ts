import { expect, it } from "vitest";
import type { Client } from "../../../actors/client/client.ts";
import { controllerRevisions, daemonSets, nodes, pods, statefulSets } from "../../../actors/client/resources.ts";
import { hasReason } from "../../../protocols/api-server.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import type { DaemonSetSpec } from "../../../protocols/kubernetes/types/apps-v1.ts";
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { SeededRandom } from "../../../runtime/random.ts";
import { ControlPlane } from "./control-plane.ts";

const NAMESPACE = "default";
const KINDS = ["etcd", "api-server", "scheduler", "controller-manager", "api-server", "controller-manager"];

function specOf(app: string): DaemonSetSpec {
  const template = { metadata: { labels: { app } }, spec: { containers: [{ name: "c", image: "nginx:0" }] } };
  return { selector: { matchLabels: { app } }, template };
}

async function podsOf(client: Client, app: string): Promise<readonly Pod[]> {
  return (await client.list(pods, { namespace: NAMESPACE, labelSelector: `app=${app}` })).items;
}

function sorted(names: readonly (string | undefined)[]): string {
  return names.map((name) => name ?? "").toSorted().join(); // prettier-ignore
}

function isRunning({ metadata, status }: Pod): boolean {
  return status?.phase === "Running" && metadata?.deletionTimestamp === undefined;
}

/** What is wished for changes while actors die and pods are deleted; when all that stops, everything is as wished last. */
class Story {
  private readonly plane: ControlPlane;
  private readonly random: SeededRandom;
  private replicas = 3;
  private image = "nginx:0";

  constructor(seed: number) {
    this.plane = new ControlPlane({ seed, masters: 3, workers: 3 });
    this.random = new SeededRandom(seed, "story");
  }

  async begin(): Promise<void> {
    const { plane, random } = this;
    const podManagementPolicy = random.next() < 0.5 ? "Parallel" : "OrderedReady";
    const rolling = random.next() < 0.5 ? { maxSurge: 1, maxUnavailable: 0 } : { maxUnavailable: 2 };
    await plane.start();
    await plane.do((client) =>
      client.create(statefulSets, {
        metadata: { name: "web", namespace: NAMESPACE },
        spec: { ...specOf("web"), replicas: this.replicas, serviceName: "web", podManagementPolicy },
      }),
    );
    await plane.do((client) =>
      client.create(daemonSets, {
        metadata: { name: "agent", namespace: NAMESPACE },
        spec: { ...specOf("agent"), updateStrategy: { type: "RollingUpdate", rollingUpdate: rolling } },
      }),
    );
  }

  /** Something that a user or bad luck does. Answers false when the API was not there. */
  async act(): Promise<boolean> {
    const { plane, random } = this;
    const draw = random.next();
    if (draw < 0.4) {
      plane.host.kill(`${KINDS[random.below(KINDS.length)]}-${random.below(3)}`);
      return true;
    }
    const wish = { replicas: random.below(6), image: `nginx:${random.below(3)}` };
    const template = { spec: { containers: [{ name: "c", image: wish.image }] } };
    try {
      if (draw < 0.6) await this.deletePod();
      else if (draw < 0.8) {
        const spec = { replicas: wish.replicas };
        await plane.do((client) => client.patch(statefulSets, "web", NAMESPACE, { spec }));
        this.replicas = wish.replicas;
      } else {
        await plane.do((client) => client.patch(statefulSets, "web", NAMESPACE, { spec: { template } }));
        await plane.do((client) => client.patch(daemonSets, "agent", NAMESPACE, { spec: { template } }));
        this.image = wish.image;
      }
      return true;
    } catch (error) {
      if (!(error instanceof InkubeError) || hasReason(error, "Invalid")) throw error;
      return false;
    }
  }

  private async deletePod(): Promise<void> {
    const { plane, random } = this;
    const present = await plane.do((client) => podsOf(client, random.next() < 0.5 ? "web" : "agent"));
    const victim = present[random.below(Math.max(1, present.length))];
    if (victim === undefined) return;
    await plane.do((client) => client.delete(pods, victim.metadata?.name ?? "", NAMESPACE));
  }

  async end(): Promise<void> {
    const { plane, replicas, image } = this;
    const isOf = (pod: Pod): boolean => pod.spec?.containers[0]?.image === image && isRunning(pod);
    await plane.until(
      "the StatefulSet as wished",
      async () => {
        const { status, metadata } = await plane.client.get(statefulSets, "web", NAMESPACE);
        const present = await podsOf(plane.client, "web");
        const wanted = Array.from({ length: replicas }, (_, ordinal) => `web-${ordinal}`);
        return (
          status?.observedGeneration === metadata?.generation &&
          [status?.replicas, status?.availableReplicas, status?.updatedReplicas].every(
            (count) => (count ?? 0) === replicas,
          ) &&
          status?.currentRevision === status?.updateRevision &&
          present.every(isOf) &&
          sorted(present.map((pod) => pod.metadata?.name)) === wanted.join()
        );
      },
      120_000,
    );
    await plane.until(
      "the DaemonSet as wished",
      async () => {
        const { status, metadata } = await plane.client.get(daemonSets, "agent", NAMESPACE);
        const present = await podsOf(plane.client, "agent");
        return (
          status?.observedGeneration === metadata?.generation &&
          status?.updatedNumberScheduled === 3 &&
          status.numberAvailable === 3 &&
          present.every(isOf) &&
          sorted(present.map(({ spec }) => spec?.nodeName)) === "worker-0,worker-1,worker-2"
        );
      },
      120_000,
    );
    const { items } = await plane.do((client) => client.list(controllerRevisions, { namespace: NAMESPACE }));
    for (const app of ["web", "agent"]) {
      const numbers = items.filter(({ metadata }) => metadata?.labels?.["app"] === app).map(({ revision }) => revision);
      expect(new Set(numbers).size).toBe(numbers.length);
      expect(numbers.length).toBeLessThanOrEqual(3);
    }
  }

  async tell(acts: number): Promise<void> {
    await this.begin();
    for (let act = 0; act < acts;) {
      await this.plane.host.run(this.random.below(800));
      if (await this.act()) act++;
    }
    await this.end();
    await this.plane.host.stop();
  }
}

it.each([1, 2, 3, 4, 5, 6])("is as wished in the end, whatever died meanwhile (seed %i)", async (seed) => {
  await new Story(seed).tell(12);
});

it("gives a new node its pod, takes it from one that it no longer asks for, and leaves that of a cordoned one", async () => {
  const plane = new ControlPlane({ seed: 1, workers: 2 });
  await plane.start();
  const spec = specOf("agent");
  await plane.do((client) =>
    client.create(daemonSets, { metadata: { name: "agent", namespace: NAMESPACE }, spec: { ...spec } }),
  );
  const placed = async (...names: readonly string[]): Promise<boolean> => {
    const running = (await podsOf(plane.client, "agent")).filter(({ status }) => status?.phase === "Running");
    return sorted(running.map((pod) => pod.spec?.nodeName)) === names.join();
  };
  await plane.until("a pod on both", () => placed("worker-0", "worker-1"));
  await plane.do((client) => client.patch(nodes, "worker-0", undefined, { spec: { unschedulable: true } }));
  const nodeSelector = { "kubernetes.io/hostname": "worker-0" };
  await plane.do((client) => client.patch(daemonSets, "agent", NAMESPACE, { spec: { template: { spec: { nodeSelector } } } })); // prettier-ignore
  await plane.until("a new pod on the cordoned one alone", async () => {
    const { status } = await plane.client.get(daemonSets, "agent", NAMESPACE);
    return (await placed("worker-0")) && status?.updatedNumberScheduled === 1 && status.numberMisscheduled === 0;
  });
  const labels = { "kubernetes.io/hostname": "another" };
  await plane.do((client) => client.patch(nodes, "worker-0", undefined, { metadata: { labels } }));
  await plane.until("none", () => placed());
});
