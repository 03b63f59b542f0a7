/** A whole cluster within a program whose time is faked, and what is left of it for the program once it has stopped. */
import { expect, it, vi } from "vitest";
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { inkube } from "../../fixtures/built.ts";

const POD = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web" },
  spec: { containers: [{ name: "web", image: "nginx" }] },
};

it("lives in the machine's time, and has nothing that waits when it has stopped", async () => {
  vi.useFakeTimers({ now: 1_000_000_000_000 });
  try {
    const cluster = await inkube.Cluster.start({ masters: 1, workers: 1, pods: "simulated" });
    try {
      await cluster.apply(POD);
      const pod = (await cluster.waitFor("pod/web", "Ready")) as Pod;
      expect(Date.parse(pod.metadata!.creationTimestamp!)).toBeGreaterThan(1_700_000_000_000);
      await expect(cluster.waitFor("pod/web", () => false, { timeoutMs: 200 })).rejects.toMatchObject({
        code: "WAIT_TIMEOUT",
      });
      await expect(cluster.kill("root")).rejects.toMatchObject({ code: "NO_SUCH_ACTOR" });
      await cluster.kill("worker-0");
      await expect(cluster.kill("worker-0")).rejects.toMatchObject({ code: "ACTOR_DOWN" });
      // The only API server is away: a request waits, and whoever waits for something is told.
      await cluster.kill("master-0");
      const settled = Promise.allSettled([cluster.client.list(inkube.pods)]);
      await expect(cluster.waitFor("pod/web", "deleted")).rejects.toMatchObject({ code: "NO_MASTER" });
      await cluster.stop();
      const later = [
        ...(await settled),
        ...(await Promise.allSettled([
          cluster.client.list(inkube.pods),
          cluster.apply(POD),
          cluster.kill("etcd-0"),
          cluster.restore("master-0"),
        ])),
      ];
      expect(
        later.map((outcome) => outcome.status === "rejected" && (outcome.reason as { code: string }).code),
      ).toEqual(later.map(() => "CLUSTER_STOPPED"));
    } finally {
      await cluster.stop();
    }
  } finally {
    vi.useRealTimers();
  }
});
