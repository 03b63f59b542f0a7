import { SCHEDULER_DEFAULTS } from "../../../actors/scheduler/spec.ts";
import { expect, it } from "vitest";
import { controllerManagerProtocol } from "../../../protocols/controller-manager.ts";
import { schedulerProtocol } from "../../../protocols/scheduler.ts";
import { deployments, leases } from "../../../actors/client/resources.ts";
import { ControlPlane } from "./control-plane.ts";
import { isSettled, leaderOf, web } from "./objects.ts";

it("has a leader again within a hundredth of the Lease when one dies, and work goes on", async () => {
  const plane = new ControlPlane({ seed: 1, masters: 3, workers: 2 });
  await plane.start();
  await plane.do((client) => client.create(deployments, web(3)));
  await plane.until("3 replicas", () => isSettled(plane.client, 3));
  for (const lease of ["kube-scheduler", "kube-controller-manager"]) {
    const acquired = async (): Promise<string | undefined> =>
      (await plane.client.get(leases, lease, "kube-system")).spec?.acquireTime;
    const before = await plane.do(acquired);
    plane.host.kill(await plane.do((client) => leaderOf(client, lease)));
    // A standby, or the dead one's next incarnation: whichever is first.
    const takeoverMs = await plane.until("a leader again", async () => (await acquired()) !== before);
    expect(takeoverMs).toBeLessThan(30);
  }
  await plane.do((client) => client.patch(deployments, "web", "default", { spec: { replicas: 5 } }));
  await plane.until("5 replicas", () => isSettled(plane.client, 5));
});

it("has never more than one leader of a kind, whatever dies", async () => {
  const plane = new ControlPlane({ seed: 2, masters: 3, workers: 1 });
  await plane.start();
  const leading = async (): Promise<readonly number[]> => {
    const counts = [0, 0];
    for (const index of [0, 1, 2]) {
      const ask = async (which: 0 | 1): Promise<void> => {
        const { context } = plane.host;
        const status =
          which === 0
            ? context.ref(schedulerProtocol, `scheduler-${index}`).call("status", null, { timeoutMs: 20 })
            : context
                .ref(controllerManagerProtocol, `controller-manager-${index}`)
                .call("status", null, { timeoutMs: 20 });
        // One that is down leads nothing.
        const answer = await status.catch(() => ({ leading: false }));
        if (answer.leading) counts[which] = (counts[which] ?? 0) + 1;
      };
      await Promise.all([ask(0), ask(1)]);
    }
    return counts;
  };
  const victims = [
    "scheduler-0",
    "api-server-0",
    "etcd-1",
    "controller-manager-1",
    "scheduler-1",
    "api-server-2",
    "etcd-0",
    "controller-manager-2",
  ];
  for (const victim of victims) {
    plane.host.kill(victim);
    for (let look = 0; look < 20; look++) {
      for (const count of await plane.host.settle(leading)) expect(count).toBeLessThanOrEqual(1);
      await plane.host.run(53);
    }
  }
  await plane.until("a leader of each", async () => (await leading()).every((count) => count === 1));
});

it("stops leading before its Lease can be taken when it is cut off, and another follows when it expires", async () => {
  const plane = new ControlPlane({ seed: 3, masters: 3, workers: 1 });
  await plane.start();
  await plane.until("a leader", async () => (await leaderOf(plane.client, "kube-scheduler")) !== "");
  const leader = await plane.do((client) => leaderOf(client, "kube-scheduler"));
  const apiServers = ["api-server-0", "api-server-1", "api-server-2"];
  plane.host.partition([leader], apiServers);
  const status = (): Promise<{ readonly leading: boolean }> =>
    plane.host.context.ref(schedulerProtocol, leader).call("status", null);
  const stopMs = await plane.until("the leader stopped", async () => !(await status()).leading);
  const takeoverMs =
    stopMs +
    (await plane.until("another leader", async () => (await leaderOf(plane.client, "kube-scheduler")) !== leader));
  const { leaseDurationMs, renewDeadlineMs, renewPeriodMs } = SCHEDULER_DEFAULTS.lease;
  expect(stopMs).toBeLessThan(renewDeadlineMs + 100);
  expect(takeoverMs).toBeGreaterThan(stopMs);
  expect(takeoverMs).toBeLessThan(leaseDurationMs + renewPeriodMs + 200);
});

it("resumes at once when it is the only candidate and restarts", async () => {
  const plane = new ControlPlane({ seed: 4, masters: 1, workers: 1 });
  await plane.start();
  await plane.do((client) => client.create(deployments, web(1)));
  await plane.until("1 replica", () => isSettled(plane.client, 1));
  plane.host.kill("controller-manager-0");
  plane.host.kill("scheduler-0");
  await plane.do((client) => client.patch(deployments, "web", "default", { spec: { replicas: 4 } }));
  const healedMs = await plane.until("4 replicas", () => isSettled(plane.client, 4));
  expect(healedMs).toBeLessThan(300);
});
