import fc from "fast-check";
import { expect, it } from "vitest";
import type { DeploymentPlan } from "../../../../../../actors/controller-manager/core/deployment/plan.ts";
import { planDeployment } from "../../../../../../actors/controller-manager/core/deployment/plan.ts";
import { fencesOf } from "../../../../../../actors/controller-manager/core/deployment/rounding.ts";
import { templateHash, templateText } from "../../../../../../actors/controller-manager/core/deployment/template.ts";
import type { Deployment, DeploymentSpec, ReplicaSet } from "../../../../../../protocols/kubernetes/types/apps-v1.ts";

const now = { epochMs: Date.parse("2026-01-01T00:01:00Z"), text: "2026-01-01T00:01:00Z" };

function deployment(replicas: number, image: string, spec: Partial<DeploymentSpec> = {}): Deployment {
  return {
    metadata: { name: "web", namespace: "default", uid: "d", generation: 1 },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image }] } },
      progressDeadlineSeconds: 600,
      ...spec,
    },
  };
}

/** A cluster of one Deployment: plans are carried out at once, pods come up as told. */
class World {
  deployment: Deployment;
  sets: ReplicaSet[] = [];
  private made = 0;

  constructor(start: Deployment) {
    this.deployment = start;
  }

  look(
    oldPodsRun: boolean = this.sets.some((set) => set.spec?.replicas === 0 && (set.status?.replicas ?? 0) > 0),
  ): DeploymentPlan {
    const plan = planDeployment({
      deployment: this.deployment,
      replicaSets: this.sets,
      oldPodsRun: () => oldPodsRun,
      now,
    });
    if (plan.create !== undefined) {
      const creationTimestamp = `2026-01-01T00:00:${String(this.made++).padStart(2, "0")}Z`;
      const metadata = { ...plan.create.metadata, uid: `rs-${this.made}`, creationTimestamp };
      this.sets.push({ ...plan.create, metadata });
    }
    for (const { replicaSet } of plan.update) {
      this.sets = this.sets.map((set) => (set.metadata?.name === replicaSet.metadata?.name ? replicaSet : set));
    }
    for (const gone of plan.delete) this.sets = this.sets.filter((set) => set.metadata?.name !== gone.metadata?.name);
    if (plan.revision !== undefined) {
      const annotations = {
        ...this.deployment.metadata?.annotations,
        "deployment.kubernetes.io/revision": plan.revision,
      };
      this.deployment = { ...this.deployment, metadata: { ...this.deployment.metadata, annotations } };
    }
    if (plan.status !== undefined) this.deployment = { ...this.deployment, status: plan.status };
    return plan;
  }

  /** The ReplicaSet controller and the kubelets: pods come, become available, and go, in part. */
  pods(share: number): void {
    this.sets = this.sets.map((set) => {
      const wanted = set.spec?.replicas ?? 0;
      const available = set.status?.availableReplicas ?? 0;
      const more = Math.ceil((wanted - available) * share);
      const availableReplicas = wanted < available ? wanted : available + more;
      return {
        ...set,
        status: {
          replicas: wanted,
          availableReplicas,
          readyReplicas: availableReplicas,
          observedGeneration: set.metadata?.generation ?? 0,
        },
      };
    });
  }

  settle(): void {
    for (let round = 0; round < 200; round++) {
      this.pods(1);
      const plan = this.look();
      if (plan.create === undefined && plan.update.length === 0 && plan.status === undefined) return;
    }
    throw new Error("did not settle");
  }

  image(image: string): void {
    const { spec } = deployment(0, image);
    this.deployment = {
      ...this.deployment,
      spec: { ...(this.deployment.spec as DeploymentSpec), template: (spec as DeploymentSpec).template },
    };
  }

  change(spec: Partial<DeploymentSpec>): void {
    this.deployment = { ...this.deployment, spec: { ...(this.deployment.spec as DeploymentSpec), ...spec } };
  }

  get sizes(): readonly number[] {
    return this.sets.map((set) => set.spec?.replicas ?? 0);
  }

  get available(): number {
    return this.sets.reduce(
      (sum, set) => sum + Math.min(set.status?.availableReplicas ?? 0, set.spec?.replicas ?? 0),
      0,
    );
  }

  condition(type: string): { readonly status?: string; readonly reason?: string } | undefined {
    return this.deployment.status?.conditions?.find((condition) => condition.type === type);
  }
}

it("makes a ReplicaSet named and labelled by the hash of the template, with revision 1", () => {
  const world = new World(deployment(3, "a"));
  const { create } = world.look();
  const hash = templateHash(world.deployment.spec?.template, 0);
  expect(create).toMatchObject({
    metadata: {
      name: `web-${hash}`,
      labels: { app: "web", "pod-template-hash": hash },
      annotations: {
        "deployment.kubernetes.io/revision": "1",
        "deployment.kubernetes.io/desired-replicas": "3",
        "deployment.kubernetes.io/max-replicas": "4",
      },
      ownerReferences: [{ kind: "Deployment", uid: "d", controller: true }],
    },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "web", "pod-template-hash": hash } },
      template: { metadata: { labels: { "pod-template-hash": hash } } },
    },
  });
  expect(world.deployment.metadata?.annotations).toMatchObject({ "deployment.kubernetes.io/revision": "1" });
  expect(world.condition("Progressing")).toMatchObject({ status: "True", reason: "NewReplicaSetCreated" });
  expect(world.condition("Available")).toMatchObject({ status: "False", reason: "MinimumReplicasUnavailable" });
});

it("reports a rollout as done once all is available", () => {
  const world = new World(deployment(3, "a"));
  world.settle();
  expect(world.deployment.status).toMatchObject({
    replicas: 3,
    updatedReplicas: 3,
    availableReplicas: 3,
    unavailableReplicas: 0,
  });
  expect(world.condition("Progressing")).toMatchObject({ status: "True", reason: "NewReplicaSetAvailable" });
  expect(world.condition("Available")).toMatchObject({ status: "True", reason: "MinimumReplicasAvailable" });
  expect(world.look().status).toBeUndefined();
});

it("rolls back to an old ReplicaSet under a new revision, and keeps its history", () => {
  const world = new World(deployment(2, "a"));
  world.settle();
  world.image("b");
  world.settle();
  world.image("a");
  world.settle();
  expect(world.sizes).toEqual([2, 0]);
  expect(world.sets[0]?.metadata?.annotations).toMatchObject({
    "deployment.kubernetes.io/revision": "3",
    "deployment.kubernetes.io/revision-history": "1",
  });
  expect(world.deployment.metadata?.annotations).toMatchObject({ "deployment.kubernetes.io/revision": "3" });
});

it("keeps as many old ReplicaSets as the history limit says", () => {
  const world = new World(deployment(1, "0", { revisionHistoryLimit: 2 }));
  for (const image of ["0", "1", "2", "3", "4"]) {
    world.image(image);
    world.settle();
  }
  world.settle();
  expect(world.sets.length).toBe(3);
  expect(world.sets.map((set) => set.metadata?.annotations?.["deployment.kubernetes.io/revision"])).toEqual([
    "3",
    "4",
    "5",
  ]);
});

it.each(["Recreate", "RollingUpdate"])("is not available with nothing ready (%s)", (type) => {
  const world = new World(deployment(2, "a", { strategy: { type } } as Partial<DeploymentSpec>));
  world.look();
  world.look();
  expect(world.condition("Available")).toMatchObject({ status: "False", reason: "MinimumReplicasUnavailable" });
  world.settle();
  expect(world.condition("Available")).toMatchObject({ status: "True", reason: "MinimumReplicasAvailable" });
});

it("recreates only when the last old pod is gone", () => {
  const world = new World(deployment(2, "a", { strategy: { type: "Recreate" } }));
  world.settle();
  world.image("b");
  world.look();
  expect(world.sizes).toEqual([0]);
  expect(world.look(true).create).toBeUndefined();
  world.look(false);
  expect(world.sizes).toEqual([0, 2]);
});

it("is not available while a Recreate rollout has stopped its pods", () => {
  const world = new World(deployment(2, "a", { strategy: { type: "Recreate" } }));
  world.look();
  expect(world.condition("Available")).toMatchObject({ status: "False", reason: "MinimumReplicasUnavailable" });
  world.settle();
  expect(world.condition("Available")).toMatchObject({ status: "True" });
  world.image("b");
  world.look();
  world.settle();
  expect(world.condition("Available")).toMatchObject({ status: "True" });
});

it("rolls nothing while paused, but scales", () => {
  const world = new World(deployment(2, "a"));
  world.settle();
  world.change({ paused: true });
  world.image("b");
  world.settle();
  expect(world.sizes).toEqual([2]);
  expect(world.condition("Progressing")).toMatchObject({ status: "Unknown", reason: "DeploymentPaused" });
  world.change({ replicas: 5 });
  world.settle();
  expect(world.sizes).toEqual([5]);
  world.change({ paused: false });
  world.settle();
  expect(world.sizes).toEqual([0, 5]);
});

it("says when a rollout is stuck beyond its deadline", () => {
  const world = new World(deployment(2, "a", { progressDeadlineSeconds: 30 }));
  world.look();
  const stuck = {
    type: "Progressing",
    status: "True",
    reason: "ReplicaSetUpdated",
    lastUpdateTime: "2026-01-01T00:00:29Z",
  };
  world.deployment = { ...world.deployment, status: { ...world.deployment.status, conditions: [stuck] } };
  world.look();
  expect(world.condition("Progressing")).toMatchObject({ status: "False", reason: "ProgressDeadlineExceeded" });
});

it("spreads a change of scale in proportion over the ReplicaSets of a rollout", () => {
  const world = new World(deployment(10, "a", { strategy: { rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } }));
  world.settle();
  world.image("b");
  for (let look = 0; look < 3; look++) world.look();
  expect(world.sizes).toEqual([8, 5]);
  world.change({ replicas: 15 });
  world.look();
  expect(world.sizes).toEqual([11, 7]);
});

it.each([
  ["25%", "25%", 10, { maxSurge: 3, maxUnavailable: 2 }],
  [0, 0, 10, { maxSurge: 0, maxUnavailable: 1 }],
  ["0%", "10%", 5, { maxSurge: 0, maxUnavailable: 1 }],
  [1, 50, 10, { maxSurge: 1, maxUnavailable: 10 }],
])("rounds a surge of %s up and an unavailability of %s down, of %i", (maxSurge, maxUnavailable, replicas, fences) => {
  const strategy = { type: "RollingUpdate" as const, rollingUpdate: { maxSurge, maxUnavailable } };
  expect(fencesOf(deployment(replicas, "a", { strategy }))).toEqual(fences);
});

it("takes templates for the same that differ only in the order of keys or in its own label", () => {
  const spec = { containers: [{ name: "c", image: "i" }] };
  const left = templateText({ metadata: { labels: { a: "1", b: "2" } }, spec });
  const right = templateText({ spec, metadata: { labels: { b: "2", a: "1", "pod-template-hash": "x" } } });
  expect(left).toBe(right);
});

it("never has more pods than the surge allows, nor fewer available than the fence, and always arrives", () => {
  const size = fc.integer({ min: 0, max: 20 });
  const step = fc.oneof(
    fc.record({ do: fc.constant("pods" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
    fc.record({ do: fc.constant("image" as const), image: fc.constantFrom("a", "b", "c") }),
  );
  fc.assert(
    fc.property(
      size,
      fc.integer({ min: 0, max: 6 }),
      fc.integer({ min: 0, max: 6 }),
      fc.array(step, { maxLength: 40 }),
      (replicas, maxSurge, maxUnavailable, steps) => {
        const strategy = { type: "RollingUpdate" as const, rollingUpdate: { maxSurge, maxUnavailable } };
        const world = new World(deployment(replicas, "a", { strategy }));
        world.settle();
        const fences = fencesOf(world.deployment);
        for (const each of steps) {
          if (each.do === "pods") world.pods(each.share);
          else world.image(each.image);
          const before = world.available;
          world.look();
          const total = world.sizes.reduce((sum, count) => sum + count, 0);
          expect(total).toBeLessThanOrEqual(replicas + fences.maxSurge);
          expect(world.available).toBeGreaterThanOrEqual(Math.min(before, replicas - fences.maxUnavailable));
        }
        world.settle();
        const text = templateText(world.deployment.spec?.template);
        const fresh = world.sets.find((set) => templateText(set.spec?.template) === text);
        expect(fresh?.spec?.replicas).toBe(replicas);
        expect(world.sizes.reduce((sum, count) => sum + count, 0)).toBe(replicas);
      },
    ),
  );
});
