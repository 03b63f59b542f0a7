/** What a record of a cluster that was broken answers: the root cause stands in the first lines. */
import { beforeAll, describe, expect, it } from "vitest";
import { whyText } from "../../../actors/cluster/cli/trace-text.ts";
import { SimulatedCluster } from "../../../actors/cluster/simulation/simulated-cluster.ts";
import { deployments, nodes, pods } from "../../../actors/client/resources.ts";
import { divergenceOf } from "../../../actors/trace-collector/core/divergence.ts";
import { TraceRecord } from "../../../actors/trace-collector/core/record.ts";
import { objectOf, stateAt } from "../../../actors/trace-collector/core/state.ts";
import { storyOf } from "../../../actors/trace-collector/core/story.ts";
import { explain } from "../../../actors/trace-collector/core/why.ts";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import type { Resource } from "../../../actors/client/resources.ts";
import type { Fault } from "../../../runtime/faults/plan.ts";
import { changesOf } from "../../fixtures/object-changes.ts";
import { watchCrashes } from "../../fixtures/watch-crashes.ts";
import type { Told } from "./story-of-a-cluster.ts";
import { allReady, app, playStory } from "./story-of-a-cluster.ts";

const REGISTRY: Fault = { id: "registry", kind: "image-gone", image: "gone:*" };

describe("a record of a cluster that was broken", () => {
  let record: TraceRecord;
  let told: Told;

  beforeAll(async () => {
    const cluster = new SimulatedCluster({ seed: 41, faults: { faults: [REGISTRY] } });
    watchCrashes(cluster.host);
    await cluster.start();
    told = await cluster.run(() => playStory(cluster), 600_000);
    record = new TraceRecord({ events: cluster.host.trace.events, changes: told.changes });
  });

  /** What a person sees first. */
  const linesOn = (ref: string, as?: string): readonly string[] =>
    whyText(explain(record, ref, as), false)
      .split("\n")
      .slice(0, 10);
  const lastOf = (kind: string, part: string): string =>
    record.events.findLast((event) => event.kind === kind && event.subject.includes(part))?.subject ?? "";

  it.each<[string, () => readonly string[], RegExp]>([
    [
      "a pod that came for one of a node that died",
      () => linesOn(told.replaced, "rescheduled"),
      /killed worker-1 .*<- first cause/,
    ],
    [
      "a pod that went with its node",
      () => linesOn(lastOf("pod-evicted", ""), "deleted"),
      /killed worker-1 .*<- first cause/,
    ],
    [
      "a crash loop",
      () => linesOn("deploy/loop"),
      /crashes: its container main has ended \d+ times, last with exit code 3 .*; kubernetes-admin created deployments\/default\/loop/,
    ],
    [
      "a liveness probe that fails",
      () => linesOn(lastOf("container.stopped", "/ill-")),
      /last with exit code \d+ because the liveness probe of its container main fails /,
    ],
    [
      "an image that is gone",
      () => linesOn(lastOf("container.failed", "stuck")),
      /a fault of the plan \(registry, image-gone\) .*<- first cause/,
    ],
    [
      "no node with room",
      () => linesOn("deploy/huge", "stuck"),
      /none of 3 nodes takes it \(NodeResourcesFit=3\).*kubernetes-admin created deployments\/default\/huge/,
    ],
    [
      "a rollout that is stuck",
      () => linesOn("deployment/stuck"),
      /^stuck does not get on: 3 of 3 replicas are ready, 1 of the newest revision; stuck-\w+-\w+ does not start/,
    ],
    [
      "a pod whose owner went",
      () => linesOn(lastOf("garbage-collected", "pods/"), "deleted"),
      /kubernetes-admin deleted deployments\/default\/owned .*<- first cause/,
    ],
    [
      "an API server that was replaced",
      () => linesOn("api-server-1", "restarted"),
      /killed api-server-1 .*<- first cause/,
    ],
  ])("names the root cause of %s in its first ten lines", (_what, lines, root) => {
    expect(lines().join("\n")).toMatch(root);
  });

  it("names who was killed, where another leads", () => {
    const next = record.events.findLast(
      ({ kind, subject }) => kind === "leader-elected" && subject.endsWith("kube-controller-manager"),
    );
    expect(linesOn(next?.actor ?? "")[0]).toMatch(
      new RegExp(`leads kube-controller-manager because ${told.leader} was killed`),
    );
  });

  it("says who changed a field, and from what", () => {
    const image = "spec.template.spec.containers[0].image";
    expect(explain(record, "deploy/stuck", `changed:${image}`).sentence).toBe(
      `${image} of stuck went from "nginx:1" to "gone:2": kubernetes-admin changed it.`,
    );
  });

  it("says that a node is ready again", () => {
    expect(explain(record, "node/worker-1").sentence).toMatch(
      /^node worker-1 is ready because the cluster was asked to put-back worker-1 /,
    );
  });

  it("says that nothing says so, where it is not as the question has it", () => {
    expect(explain(record, "deploy/web", "stuck").sentence).toMatch(/^nothing says that web is stuck: web is there/);
  });

  it("suggests the name that was meant", () => {
    expect(() => explain(record, "deployment/wep")).toThrow(/did you mean deployments\/default\/web\?/);
    expect(() => explain(record, "deployment/web", "stukc")).toThrow(/did you mean stuck\?/);
  });

  it("tells a pod's story to the request that its Deployment came of, with what each write changed", () => {
    const { entries, subjects } = storyOf(record, told.replaced, { owners: true });
    expect(subjects.map((subject) => subject.split("/")[0])).toEqual(["pods", "replicasets", "deployments"]);
    expect(entries[0]?.text).toMatch(/^kubernetes-admin created deployments\/default\/web /);
    const bound = entries.find(({ differences }) => differences.some(({ path }) => path === "spec.nodeName"));
    expect(bound?.text).toMatch(/^system:kube-scheduler changed /);
    expect(entries.some(({ text }) => /said of pod .*: Scheduled: Successfully assigned/.test(text))).toBe(true);
  });
});

describe("the state of a simulated cluster at a revision", () => {
  it("is what a list at that revision says", async () => {
    const cluster = new SimulatedCluster({ seed: 7, workers: 2 });
    watchCrashes(cluster.host);
    await cluster.start();
    const { client, clock, host } = cluster;
    await cluster.run(async () => {
      await client.create(deployments, app("web", "nginx:1"));
      await cluster.waitFor(deployments, "web", "default", allReady, 60_000);
      await client.patch(deployments, "web", "default", { spec: { ...app("web", "nginx:2").spec, replicas: 2 } });
      await cluster.waitFor(deployments, "web", "default", "RolledOut", 60_000);
      await client.delete(deployments, "web", "default");
      await clock.sleep(3_000);
      const record = new TraceRecord({ events: host.trace.events, changes: await changesOf(cluster) });
      const last = record.changes.at(-1)!.revision;
      for (let draw = 0; draw < 100; draw++) {
        const revision = record.changes[0]!.revision + ((draw * 7_919) % (last - record.changes[0]!.revision));
        for (const resource of [pods, deployments, nodes] as readonly Resource<KubernetesObject>[]) {
          const { items } = await client.list(resource, {
            resourceVersion: String(revision),
            resourceVersionMatch: "Exact",
          });
          const { objects } = stateAt(record, { revision }, { resource: resource.resource });
          const bare = (object: object): object => ({ ...object, apiVersion: undefined, kind: undefined });
          expect(
            objects.map((then) => bare(objectOf(then))),
            `${resource.resource} at ${revision}`,
          ).toEqual(items.map(bare));
        }
      }
    }, 600_000);
  });
});

describe("an object that says of which trace it is", () => {
  it("links to it what is done because of it, beside what that came of", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const cluster = new SimulatedCluster({ seed: 3, workers: 1 });
    watchCrashes(cluster.host);
    await cluster.start();
    const { client, clock, host } = cluster;
    await cluster.run(async () => {
      // Until somebody leads.
      await clock.sleep(5_000);
      const web = app("web", "nginx:1");
      const annotations = { "tracing.k8s.io/traceparent": traceparent };
      await client.create(deployments, { ...web, metadata: { ...web.metadata, annotations } });
      await client.create(deployments, app("plain", "nginx:1"));
      await cluster.waitFor(deployments, "web", "default", allReady, 60_000);
      await cluster.waitFor(deployments, "plain", "default", allReady, 60_000);
    }, 600_000);
    const record = new TraceRecord({ events: host.trace.events });
    const chainOfPod = (name: string): readonly string[] => {
      const pod = record.events.find(({ kind, subject }) => kind === "scheduled" && subject.includes(`/${name}-`))!;
      return record.chainOf(pod).map(({ kind, detail }) => (kind === "linked" ? `linked ${detail}` : kind));
    };
    expect(chainOfPod("web").filter((link) => link.startsWith("linked"))).toContain(`linked also=${traceparent}`);
    expect(chainOfPod("web").at(-1)).toBe("call");
    expect(chainOfPod("plain").some((link) => link.startsWith("linked"))).toBe(false);
  });
});

describe("two records of the same story", () => {
  const run = async (seed: number, faults: readonly Fault[]): Promise<TraceRecord> => {
    const cluster = new SimulatedCluster({ seed, faults: { faults } });
    watchCrashes(cluster.host);
    await cluster.start();
    const { client, clock, host } = cluster;
    const changes = await cluster.run(async () => {
      await client.create(deployments, app("web", "nginx:1"));
      await cluster.waitFor(deployments, "web", "default", allReady, 60_000);
      await clock.sleep(10_000);
      return changesOf(cluster);
    }, 600_000);
    return new TraceRecord({ events: host.trace.events, changes });
  };

  it("differ by the one fault that only one of two seeds has, and are the same for one seed", async () => {
    const power: Fault = { id: "power", kind: "actor-crash", at: "api-server-1", fromMs: 3_000 };
    const plain = await run(1, []);
    const { sentence, causes, first } = divergenceOf(plain, await run(2, [power]));
    expect(sentence).toMatch(
      /^only the second has this: a fault of the plan \(power, actor-crash\) hits api-server-1; the first that came of it: supervisor: api-server-1 ended /,
    );
    expect(causes.map(({ side }) => side)).toEqual(["right"]);
    expect(first.left).toBeNull();
    expect(divergenceOf(plain, await run(1, [])).sentence).toBe("both tell the same.");
  });
});
