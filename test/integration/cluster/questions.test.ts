/** What the trace of a cluster on threads answers, while it runs and when it is gone: the root cause stands in the first lines. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { whyText } from "../../../actors/cluster/cli/trace-text.ts";
import type { Cluster } from "../../../actors/cluster/cluster.ts";
import type { Deployment, Lease, Pod, WhyQuestion } from "../../../actors/cluster/index.ts";
import { inkube } from "../../fixtures/built.ts";
import { until } from "../../fixtures/until.ts";

let cluster: Cluster;
let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "inkube-questions-"));
  cluster = await inkube.Cluster.start({
    masters: 3,
    workers: 3,
    dataDir: directory,
    images: { crashes: { command: [process.execPath, "-e", "process.exit(3)"] } },
  });
});
afterAll(async () => {
  await cluster?.stop();
  rmSync(directory, { recursive: true, force: true });
});

function app(name: string, image: string, cpu = "1m"): string {
  const labels = { app: name };
  const containers = [{ name: "main", image, resources: { requests: { cpu } } }];
  const template = { metadata: { labels }, spec: { containers } };
  const spec = { replicas: 2, selector: { matchLabels: labels }, template };
  return JSON.stringify({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name }, spec });
}

/** What a person sees first, once it says so. */
async function told(ref: string, as: WhyQuestion | undefined, root: RegExp): Promise<void> {
  let text = "";
  await until(`${ref} ${as ?? ""} tells ${String(root)}`, async () => {
    const explanation = await cluster.trace.why(ref, as).catch((error: Error) => error);
    text = explanation instanceof Error ? explanation.message : whyText(explanation, false);
    return root.test(text.split("\n").slice(0, 10).join("\n"));
  }).catch((error: unknown) => {
    throw new Error(`it says ${text}`, { cause: error });
  });
}

const ready = ({ status }: Deployment): boolean => status?.readyReplicas === 2;
const podsOf = async (name: string): Promise<readonly Pod[]> =>
  (await cluster.client.list(inkube.pods, { namespace: "default", labelSelector: `app=${name}` })).items;

describe("the trace of a cluster on threads says", () => {
  it("why a pod was rescheduled: its node was killed", async () => {
    await cluster.apply(app("web", "nginx"));
    await cluster.waitFor("deployment/web", "RolledOut");
    const before = await podsOf("web");
    const node = before[0]?.spec?.nodeName ?? "";
    await cluster.kill(node);
    const isNew = ({ metadata }: Pod): boolean => !before.some((pod) => pod.metadata?.uid === metadata?.uid);
    let pod: Pod | undefined;
    await until("another pod", async () => (pod = (await podsOf("web")).find(isNew)) !== undefined);
    await told(
      `pod/${pod?.metadata?.name}`,
      "rescheduled",
      new RegExp(`is there in place of .* because ${node} was killed`),
    );
    await cluster.restore(node);
    await told(`node/${node}`, undefined, /^node .* is ready because the cluster was asked to put-back/);
  });

  it("why a pod crashes, has no image, and finds no node: in what it is, and who asked for it", async () => {
    await cluster.apply(app("loop", "crashes"));
    await cluster.apply(app("missing", "gone:1"));
    await cluster.apply(app("huge", "nginx", "9000"));
    await told(
      "deploy/loop",
      undefined,
      /container main has ended \d+ times, last with exit code 3.*; kubernetes-admin created deployments\/default\/loop/,
    );
    await told(
      "deploy/missing",
      "stuck",
      /no image is registered as "gone:1".*; kubernetes-admin created deployments\/default\/missing/,
    );
    await told(
      "deploy/huge",
      "not-ready",
      /none of 3 nodes takes it \(NodeResourcesFit=3\).*; kubernetes-admin created deployments\/default\/huge/,
    );
  });

  it("why a rollout is stuck, and who changed what", async () => {
    await cluster.waitFor("deployment/web", ready);
    await cluster.apply(app("web", "gone:2"));
    await told(
      "deploy/web",
      "stuck",
      /^web does not get on: 2 of 2 replicas are ready, 1 of the newest revision; .*"gone:2".*; kubernetes-admin changed deployments\/default\/web/,
    );
    await told(
      "deploy/web",
      "changed:spec.template.spec.containers[0].image",
      /went from "nginx" to "gone:2": kubernetes-admin changed it/,
    );
    const late = await cluster
      .waitFor("deployment/web", "RolledOut", { timeoutMs: 100 })
      .catch((error: Error) => error.message);
    expect(late).toMatch(
      /2 of 2 replicas are ready.*; web does not get on: .*kubernetes-admin changed deployments\/default\/web/,
    );
  });

  it("why a pod went: its owner did", async () => {
    const [pod] = await podsOf("huge");
    await cluster.client.delete(inkube.deployments, "huge", "default");
    await told(
      `pod/${pod?.metadata?.name}`,
      "deleted",
      /deleted by the garbage collection because kubernetes-admin (asked to delete|deleted) deployments\/default\/huge/,
    );
  });

  it("why another leads, and why an API server was replaced under load", async () => {
    const lease = await cluster.client.get(inkube.leases, "kube-scheduler", "kube-system");
    const holder = lease.spec?.holderIdentity ?? "";
    await cluster.kill(holder);
    const next = await cluster.waitFor("lease/kube-scheduler", (now: Lease) => now.spec?.holderIdentity !== holder, {
      namespace: "kube-system",
    });
    await told(
      (next as Lease).spec?.holderIdentity ?? "",
      undefined,
      new RegExp(`leads kube-scheduler because ${holder} was killed`),
    );
    const make = (name: string): Promise<unknown> =>
      cluster.client.create(inkube.configMaps, { metadata: { name, namespace: "default" } });
    const load = Promise.all(Array.from({ length: 300 }, (_, index) => make(`load-${index}`)));
    await cluster.kill("api-server-1");
    await load;
    await told(
      "api-server-1",
      "restarted",
      /started again after it had ended \(killed\) because api-server-1 was killed/,
    );
  });

  it("what was, and the story of a pod, also from the disk when the cluster is gone", async () => {
    const [pod] = await podsOf("loop");
    const name = pod?.metadata?.name ?? "";
    const { items, metadata } = await cluster.client.list(inkube.pods, { namespace: "default" });
    const revision = Number(metadata.resourceVersion);
    const names = (pods: readonly { readonly metadata?: { readonly name?: string } }[]): readonly string[] =>
      pods.map(({ metadata: of }) => of?.name ?? "").sort();
    await until("the revision is in the record", async () => {
      const state = await cluster.trace.at({ revision }).catch(() => undefined);
      return state !== undefined && names(state.list("pods", "default")).join() === names(items).join();
    });
    await cluster.stop();
    const trace = await inkube.openTrace(directory);
    expect((await trace.why("deploy/missing", "stuck")).sentence).toMatch(/"gone:1".*; kubernetes-admin created /);
    const { subjects, entries } = await trace.story(`pod/${name}`, { owners: true });
    expect(subjects.at(-1)).toBe("deployments/default/loop");
    expect(entries.map(({ text }) => text).join("\n")).toMatch(
      /container main of pods\/default\/loop\S+ ended with exit code 3/,
    );
    expect(names((await trace.at({ revision })).list("po", "default"))).toEqual(names(items));
  });
});
