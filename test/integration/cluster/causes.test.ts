/** The record of a cluster on threads: what happened can be told from what began it, also through HTTP. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "../../../actors/cluster/cluster.ts";
import type { Deployment, Lease } from "../../../actors/cluster/index.ts";
import { TraceRecord } from "../../../actors/trace-collector/core/record.ts";
import { explain } from "../../../actors/trace-collector/core/why.ts";
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import { inkube } from "../../fixtures/built.ts";
import { reachOf } from "../../fixtures/trace-causes.ts";
import { effectsBeforeCauses } from "../../fixtures/trace-order.ts";
import { until } from "../../fixtures/until.ts";

let cluster: Cluster;
let followed: { stop(): void };
/** All that was recorded: the recorders themselves hold the last of it. */
const events: TraceEvent[] = [];

beforeAll(async () => {
  cluster = await inkube.Cluster.start({
    masters: 3,
    workers: 3,
    images: { crashes: { command: [process.execPath, "-e", "process.exit(3)"] } },
  });
  followed = cluster.trace.follow({}, (found) => void events.push(...found), 50);
});
afterAll(async () => {
  followed?.stop();
  await cluster?.stop();
});

const pod = (name: string, image: string, cpu: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: { containers: [{ name: "main", image, resources: { requests: { cpu } } }] },
  });

const ready = ({ status }: Deployment): boolean => status?.readyReplicas === 3;

async function startWeb(): Promise<void> {
  const labels = { app: "web" };
  const template = { metadata: { labels }, spec: { containers: [{ name: "web", image: "nginx" }] } };
  const spec = { replicas: 3, selector: { matchLabels: labels }, template };
  await cluster.apply(JSON.stringify({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" }, spec }));
  await cluster.waitFor("deployment/web", "RolledOut");
}

describe("the record of a cluster on threads", () => {
  it("says why a pod is there after its node's end, and why another scheduler leads", async () => {
    await startWeb();
    await cluster.kill("worker-1");
    await cluster.waitFor("deployment/web", (web: Deployment) => !ready(web));
    await cluster.waitFor("deployment/web", ready);
    const moved = events.filter(({ kind }) => kind === "scheduled").at(-1)!;
    await until("the pod is known to have been moved", () => /worker-1 was killed/.test(why(moved.subject)));

    const lease = await cluster.client.get(inkube.leases, "kube-scheduler", "kube-system");
    const holder = lease.spec?.holderIdentity ?? "";
    await cluster.kill(holder);
    await cluster.waitFor("lease/kube-scheduler", (now: Lease) => now.spec?.holderIdentity !== holder, {
      namespace: "kube-system",
    });
    const because = new RegExp(`^scheduler-\\d leads kube-scheduler because ${holder} was killed `);
    await until("the new leader is in the record", () => because.test(why("lease/kube-system/kube-scheduler")));
  });

  it("says why a pod crashes, has no image, and finds no node", async () => {
    for (const made of [
      pod("crasher", "crashes", "1m"),
      pod("missing", "gone:1", "1m"),
      pod("huge", "nginx", "9000"),
    ]) {
      await cluster.apply(made);
    }
    await until("all three have come to nothing", () => {
      const kinds = events.map(({ kind, subject }) => `${kind} ${subject}`);
      return ["container.stopped pods/default/crasher", "container.failed pods/default/missing"]
        .concat("unschedulable pods/default/huge")
        .every((wanted) => kinds.includes(wanted));
    });
    expect(why("pod/crasher")).toMatch(
      /^crasher (?:crashes|runs again): its container main has ended .* with exit code 3; /,
    );
    expect(why("pod/missing")).toMatch(/^missing does not start: .*IMAGE_NOT_FOUND/);
    expect((await cluster.trace.why("pod/huge")).sentence).toMatch(
      /^huge waits: none of 3 nodes takes it \(.*NodeResourcesFit=/,
    );
  });

  it("tells of nearly every event what it came of, and of no effect before its cause", () => {
    followed.stop();
    const { reached, events: count, unreached } = reachOf(events, ["cluster"]);
    expect(count).toBeGreaterThan(100);
    expect(reached / count, JSON.stringify(unreached, undefined, 1)).toBeGreaterThanOrEqual(0.95);
    expect(effectsBeforeCauses(events)).toEqual([]);
  });
});

function why(ref: string): string {
  try {
    return explain(new TraceRecord({ events }), ref).sentence;
  } catch (error) {
    return String(error);
  }
}
