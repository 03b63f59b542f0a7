/** Faults of the API on threads: the same plan as in the simulation, for clients at both doors. */
import { request } from "node:https";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "../../../actors/cluster/cluster.ts";
import type { ApiFault } from "../../../protocols/api-faults.ts";
import { inkube } from "../../fixtures/built.ts";

const ADMIN = "kubernetes-admin";
const MAPS = "/api/v1/namespaces/default/configmaps";

let cluster: Cluster;
beforeAll(async () => {
  cluster = await inkube.Cluster.start({ masters: 1, workers: 0, pods: "simulated" });
});
afterAll(() => cluster?.stop());

/** While the fault is in force: what `work` gives, and what was told of the fault. */
async function under<T>(
  fault: ApiFault,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly told: readonly string[] }> {
  const told: string[] = [];
  const plan = cluster.applyFaults({ faults: [fault] }, ({ id }, what) => told.push(`${id} ${what}`));
  try {
    await plan.settled();
    return { result: await work(), told };
  } finally {
    await plan.stop();
  }
}

interface HttpAnswer {
  /** 0: the connection broke. */
  readonly code: number;
  readonly reason: string;
  readonly retryAfter: string | undefined;
}

function send(method: string, path: string, body?: object): Promise<HttpAnswer> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(cluster.server);
    const headers = { authorization: `Bearer ${cluster.token}`, "content-type": "application/json" };
    const options = { hostname, port, path, method, headers, ca: cluster.authority, agent: false };
    const asked = request(options, (answer) => {
      let text = "";
      answer.on("data", (piece: Buffer) => (text += piece.toString()));
      answer.on("end", () => {
        const { reason = "" } = JSON.parse(text) as { readonly reason?: string };
        resolve({ code: answer.statusCode ?? 0, reason, retryAfter: answer.headers["retry-after"] });
      });
    });
    asked.on("error", () => resolve({ code: 0, reason: "", retryAfter: undefined }));
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const map = (name: string): object => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } });

describe("at the HTTPS door", () => {
  it("a request is refused once as the API refuses, and told", async () => {
    const when = { on: "write", of: "configmaps/default/refused" } as const;
    const fault: ApiFault = {
      id: "busy",
      kind: "api-error",
      by: ADMIN,
      status: 429,
      retryAfterMs: 2_000,
      when: { on: "write" },
    };
    const { result, told } = await under({ ...fault, when: { ...when, of: "configmaps" } }, async () => [
      await send("POST", MAPS, map("refused")),
      await send("POST", MAPS, map("refused")),
    ]);
    expect(result).toMatchObject([{ code: 429, reason: "TooManyRequests", retryAfter: "2" }, { code: 201 }]);
    expect(told).toEqual([expect.stringMatching(/^busy answers 429: create configmaps default/)]);
  });

  it("a connection breaks after the write", async () => {
    const { result } = await under({ id: "lost", kind: "reply-lost", by: ADMIN, when: { on: "write" } }, async () => [
      await send("POST", MAPS, map("lost")),
      await send("GET", `${MAPS}/lost`),
    ]);
    expect(result.map(({ code }) => code)).toEqual([0, 200]);
  });

  it("a cache that has stopped answers from the past what asks for no newest state", async () => {
    const fault: ApiFault = {
      id: "old",
      kind: "view-stale",
      by: ADMIN,
      of: "configmaps",
      at: "now",
      when: { on: "write", phase: "before" },
    };
    const { result } = await under(fault, async () => {
      await send("POST", MAPS, map("new"));
      return [await send("GET", `${MAPS}/new?resourceVersion=0`), await send("GET", `${MAPS}/new`)];
    });
    expect(result).toMatchObject([{ code: 404, reason: "NotFound" }, { code: 200 }]);
  });
});

it("at the door of actors a watch is held, also one that was open before, and told in order at the end", async () => {
  const maps = cluster.informer(inkube.configMaps, { namespace: "default" });
  const told: string[] = [];
  maps.onChange(({ type, object }) => told.push(`${type} ${object.metadata?.name}`));
  maps.start();
  await maps.whenSynced();
  told.length = 0;
  const when = { on: "write", of: "configmaps/default/held" } as const;
  const until = { on: "delivery", verb: "DELETED", of: "configmaps/default/held" } as const;
  await under({ id: "hold", kind: "watch-hold", by: ADMIN, of: "configmaps", when, until }, async () => {
    await cluster.client.create(inkube.configMaps, { metadata: { name: "held", namespace: "default" } });
    await cluster.client.create(inkube.configMaps, { metadata: { name: "later", namespace: "default" } });
    expect(told).toEqual([]);
    await cluster.client.delete(inkube.configMaps, "held", "default");
    await expect.poll(() => told).toEqual(["added held", "added later", "deleted held"]);
  });
  maps.stop();
});

it("a client that is an actor crashes with its write, and stays down as long as the plan says", async () => {
  const down = (): string => cluster.actors().find(({ name }) => name === "scheduler-0")?.state ?? "";
  const fault: ApiFault = {
    id: "crash",
    kind: "controller-crash",
    by: "scheduler-0",
    when: { on: "lease", by: "system:kube-scheduler" },
    downMs: 300,
  };
  const { told } = await under(fault, async () => {
    await expect.poll(down, { timeout: 10_000 }).not.toBe("up");
    await expect.poll(down, { timeout: 10_000 }).toBe("up");
  });
  expect(told).toHaveLength(1);
  expect(told[0]).toMatch(/^crash crashes scheduler-0 \(before update leases/);
});
