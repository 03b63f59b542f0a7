import { request } from "node:https";
import { afterAll, beforeAll, expect, it } from "vitest";
import { canSharePort } from "../../../actors/cluster/api-address.ts";
import type { Cluster } from "../../../actors/cluster/cluster.ts";
import { inkube } from "../../fixtures/built.ts";
import { until } from "../../fixtures/until.ts";

let cluster: Cluster;
beforeAll(async () => {
  cluster = await inkube.Cluster.start({ masters: 3, workers: 1, pods: "simulated" });
});
afterAll(() => cluster?.stop());

/** Over a connection of its own. Where threads can't share a port there is a moment in which nobody has it, as clients know. */
async function get(path: string): Promise<number> {
  for (;;) {
    try {
      return await ask(path);
    } catch (error) {
      if (canSharePort() || (error as NodeJS.ErrnoException).code !== "ECONNREFUSED") throw error;
    }
  }
}

function ask(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(cluster.server);
    const headers = { authorization: `Bearer ${cluster.token}` };
    const asked = request({ hostname, port, path, headers, ca: cluster.authority, agent: false }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode ?? 0));
    });
    asked.on("error", reject);
    asked.end();
  });
}

it("the address is served by API servers that reach etcd, while one is cut off from it and when it is back", async () => {
  const holder = await cluster.leader("api-server");
  const faults = [{ id: "cut", kind: "partition", from: holder ?? "", to: "etcd-*" }] as const;
  const plan = cluster.applyFaults({ faults });
  await until(
    "the address is with another",
    async () => ![undefined, holder].includes(await cluster.leader("api-server")),
  );
  const answers: number[] = [];
  for (let count = 0; count < 30; count++) answers.push(await get("/api/v1/namespaces/default"));
  expect(new Set(answers)).toEqual(new Set([200]));
  expect(await get("/readyz")).toBe(200);
  await cluster.apply({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "meanwhile" } });
  await plan.stop();
  for (let count = 0; count < 30; count++)
    expect(await get("/api/v1/namespaces/default/configmaps/meanwhile")).toBe(200);
});

it("a cluster whose API servers are all cut off says so at once, and is alive", async () => {
  const plan = cluster.applyFaults({ faults: [{ id: "cut", kind: "partition", from: "api-server-*", to: "etcd-*" }] });
  await until("the API is not ready", async () => (await get("/readyz")) === 500);
  expect(await get("/api/v1/namespaces/default")).toBe(503);
  expect(await get("/livez")).toBe(200);
  await plan.stop();
  await until("the API is ready", async () => (await get("/readyz")) === 200);
  expect(await get("/api/v1/namespaces/default")).toBe(200);
});
