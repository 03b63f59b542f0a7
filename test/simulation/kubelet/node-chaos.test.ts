/** Pods come and go while kubelet, runtime and API server are killed; in the end there is what was asked for, once. */
import { expect, it } from "vitest";
import { NodeWorld, isReady } from "./node-world.ts";

const SEEDS = Array.from({ length: 8 }, (_, index) => 100 + index);

it.each(SEEDS)("everything is as asked for when the killing ends (seed %i)", async (seed) => {
  const world = new NodeWorld(seed);
  await world.start();
  const random = world.host.world.random("test");
  const wanted = new Set<string>();
  let next = 0;
  for (let round = 0; round < 40; round++) {
    const draw = random.below(10);
    if (draw < 4) {
      const name = `pod-${next++}`;
      wanted.add(name);
      const probe = { httpGet: { port: 80 }, periodSeconds: 1 };
      const container = { name: "main", image: "web", ports: [{ containerPort: 80 }] };
      const containers = [random.below(2) === 0 ? container : { ...container, readinessProbe: probe }];
      const stopMs = String(random.below(3) * 200);
      await world.createPod(
        name,
        { containers, terminationGracePeriodSeconds: 1 },
        { "inkube.dev/simulated-stop-ms": stopMs },
      );
    } else if (draw < 6) {
      const name = [...wanted][random.below(Math.max(1, wanted.size))];
      if (name !== undefined) {
        wanted.delete(name);
        await world.deletePod(name, random.below(4) === 0 ? 0 : undefined);
      }
    } else if (draw === 6) world.killKubelet();
    else if (draw === 7) world.killRuntime(random.below(3) === 0 ? "crash" : "kept");
    else if (draw === 8) world.killApiServer();
    await world.host.run(random.below(120));
  }
  await world.until(async () => {
    const pods = await world.pods();
    return pods.length === wanted.size && pods.every((pod) => isReady(pod));
  });
  await world.host.run(2_000);
  const pods = await world.pods();
  const { sandboxes, containers } = await world.runtime();
  expect(pods.map(({ metadata }) => metadata?.name ?? "").sort()).toEqual([...wanted].sort());
  expect(sandboxes.map(({ metadata }) => metadata.name).sort()).toEqual([...wanted].sort());
  const running = containers.filter(({ state }) => state === "CONTAINER_RUNNING");
  expect(running.length).toBe(wanted.size);
  expect(new Set(running.map(({ podSandboxId }) => podSandboxId)).size).toBe(wanted.size);
  const ips = pods.map(({ status }) => status?.podIP);
  expect(new Set(ips).size).toBe(wanted.size);
  for (const pod of pods) {
    const status = pod.status?.containerStatuses?.[0];
    const ours = running.find(({ id }) => status?.containerID === `inkube://${id}`);
    expect(ours?.metadata.attempt).toBe(status?.restartCount);
    expect(status?.state?.running).toBeDefined();
  }
});
