import { expect, it } from "vitest";
import { deployments } from "../../../actors/client/resources.ts";
import { ControlPlane } from "./control-plane.ts";
import { isSettled, web } from "./objects.ts";

async function digest(seed: number): Promise<string> {
  const plane = new ControlPlane({ seed, masters: 3, workers: 2 });
  await plane.start();
  await plane.do((client) => client.create(deployments, web(4)));
  await plane.until("4 replicas", () => isSettled(plane.client, 4));
  plane.host.kill("controller-manager-0");
  plane.host.kill("scheduler-1");
  await plane.do((client) => client.patch(deployments, "web", "default", { spec: { replicas: 9 } }));
  await plane.until("9 replicas", () => isSettled(plane.client, 9));
  await plane.host.run(1_000);
  return plane.host.trace.digest;
}

it("tells the same story twice from one seed, and another from another", async () => {
  const [first, second, other] = [await digest(7), await digest(7), await digest(8)];
  expect(second).toBe(first);
  expect(other).not.toBe(first);
});
