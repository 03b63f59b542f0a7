/**
 * Pods come, end by themselves and go while kubelet, runtime and API server are killed and the kubelet is cut off; in the end there is
 * what was asked for, once, and the API says what the runtime has.
 */
import { expect, it } from "vitest";
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { NodeWorld, isReady } from "./node-world.ts";

const SEEDS = Array.from({ length: 8 }, (_, index) => 100 + index);

it.each(SEEDS)("everything is as asked for when the killing ends (seed %i)", async (seed) => {
  const world = new NodeWorld(seed);
  await world.start();
  const random = world.host.world.random("test");
  const wanted = new Set<string>();
  /** Of those, the ones whose container ends by itself and is not started again. */
  const ending = new Set<string>();
  let isCutOff = false;
  let next = 0;
  for (let round = 0; round < 40; round++) {
    const draw = random.below(13);
    if (draw < 4) {
      const name = `pod-${next++}`;
      wanted.add(name);
      const probe = { httpGet: { port: 80 }, periodSeconds: 1 };
      const container = { name: "main", image: "web", ports: [{ containerPort: 80 }] };
      const containers = [random.below(2) === 0 ? container : { ...container, readinessProbe: probe }];
      const stopMs = String(random.below(3) * 200);
      const ends = random.below(3) === 0;
      if (ends) ending.add(name);
      const exits = { "inkube.dev/simulated-exit-after-ms": String(random.below(1_500)) };
      await world.createPod(
        name,
        { containers, terminationGracePeriodSeconds: 1, ...(ends ? { restartPolicy: "Never" } : {}) },
        { "inkube.dev/simulated-stop-ms": stopMs, ...(ends ? exits : {}) },
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
    else if (draw === 9) {
      isCutOff = !isCutOff;
      if (!isCutOff) world.reconnectKubelet();
      else {
        world.cutOffKubelet();
        // Half of the times it is a kubelet without memory that can't reach the API.
        if (random.below(2) === 0) world.killKubelet();
      }
    } else if (draw === 10) {
      // As a controller says of a node that it believes lost.
      const name = [...wanted][random.below(Math.max(1, wanted.size))];
      if (name !== undefined) await world.patchConditions(name, [{ type: "Ready", status: "False" }]);
    }
    await world.host.run(random.below(120));
  }
  await world.host.run(1_500);
  world.reconnectKubelet();
  const isAsWanted = (pod: Pod): boolean =>
    ending.has(pod.metadata?.name ?? "") ? /Succeeded|Failed/.test(pod.status?.phase ?? "") : isReady(pod);
  await world.until(async () => {
    const pods = await world.pods();
    return pods.length === wanted.size && pods.every((pod) => isAsWanted(pod));
  });
  await world.host.run(2_000);
  const pods = await world.pods();
  const { sandboxes, containers } = await world.runtime();
  expect(pods.map(({ metadata }) => metadata?.name ?? "").sort()).toEqual([...wanted].sort());
  const lasting = [...wanted].filter((name) => !ending.has(name));
  // A runtime that has lost its disk knows nothing of a pod that has ended.
  const kept = sandboxes.map(({ metadata }) => metadata.name);
  expect(kept.filter((name) => !ending.has(name)).sort()).toEqual([...lasting].sort());
  expect(kept.filter((name) => !wanted.has(name))).toEqual([]);
  const running = containers.filter(({ state }) => state === "CONTAINER_RUNNING");
  expect(running.length).toBe(lasting.length);
  expect(new Set(running.map(({ podSandboxId }) => podSandboxId)).size).toBe(lasting.length);
  const ips = pods.filter(({ status }) => status?.phase === "Running").map(({ status }) => status?.podIP);
  expect(new Set(ips).size).toBe(lasting.length);
  for (const pod of pods) {
    const status = pod.status?.containerStatuses?.[0];
    if (ending.has(pod.metadata?.name ?? "")) {
      expect(status?.state?.terminated).toBeDefined();
      continue;
    }
    const ours = running.find(({ id }) => status?.containerID === `inkube://${id}`);
    expect(ours?.metadata.attempt).toBe(status?.restartCount);
    expect(status?.state?.running).toBeDefined();
  }
});
