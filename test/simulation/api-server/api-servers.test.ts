/** Three API servers in front of three etcd members on virtual time, while members and servers die and links break. */
import { describe, expect, it } from "vitest";
import { Client } from "../../../actors/client/client.ts";
import { configMaps, services } from "../../../actors/client/resources.ts";
import { apiServerProtocol, hasReason, statusOf } from "../../../protocols/api-server.ts";
import { etcdProtocol } from "../../../protocols/etcd.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import type { ConfigMap } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { SimulationHost } from "../../../runtime/simulation/simulation-host.ts";
import { ETCD, plane, rotated, SERVERS } from "./plane.ts";

interface Workload {
  readonly acknowledged: Set<string>;
  readonly stale: string[];
  readonly unexpected: unknown[];
  running: boolean;
  busy: number;
}

/** Writes key after key into one object; what one server has acknowledged the next must know. */
async function writer(host: SimulationHost, id: number, work: Workload): Promise<void> {
  work.busy++;
  const clients = rotated(SERVERS, id % 3).map((name) => new Client(host.context, [name], { timeoutMs: 4_000 }));
  for (let count = 0; work.running; count++) {
    const key = `w${id}-${count}`;
    const client = clients[count % 3] as Client;
    try {
      await client.patch(configMaps, "shared", "default", { data: { [key]: "1" } });
      work.acknowledged.add(key);
      const reader = clients[(count + 1) % 3] as Client;
      const { data = {} } = (await reader.get(configMaps, "shared", "default")) as ConfigMap;
      if (data[key] === undefined) work.stale.push(key);
    } catch (error) {
      if (!isTrouble(error)) work.unexpected.push(error);
    }
    await host.context.clock.sleep(20 + host.context.random.below(40));
  }
  work.busy--;
}

function isTrouble(error: unknown): boolean {
  const code = statusOf(error)?.code;
  return error instanceof InkubeError && (code === undefined ? error.retryable : code >= 500 || code === 429);
}

/** Follows the shared object as an informer does: resumes from the last revision, starts over when that is gone. */
class Follower {
  /** What it was told of without a break; a new list begins each time that it had to start over. */
  readonly runs: number[][] = [[]];
  private readonly host: SimulationHost;
  private readonly server: string;
  private last: string | undefined;

  constructor(host: SimulationHost, server: string) {
    this.host = host;
    this.server = server;
    this.follow();
  }

  private follow(): void {
    const ref = this.host.context.ref(apiServerProtocol, this.server);
    const target = { group: "", version: "v1", resource: "configmaps", namespace: "default", name: "shared" };
    const resume = this.last === undefined ? {} : { resourceVersion: this.last };
    ref.stream(
      "watch",
      { target, ...resume },
      {
        next: ({ type, object }) => {
          this.last = object.metadata?.resourceVersion ?? this.last;
          if (type !== "BOOKMARK") this.runs.at(-1)!.push(Number(this.last));
        },
        end: (error) => {
          if (hasReason(error, "Expired")) {
            this.last = undefined;
            this.runs.push([]);
          }
          this.host.context.clock.after(20, () => this.follow());
        },
      },
    );
  }
}

/** Every revision of a key, as etcd itself has kept them. */
async function revisionsOf(host: SimulationHost, key: string): Promise<readonly number[]> {
  const revisions: number[] = [];
  const member = host.context.ref(etcdProtocol, "etcd-0");
  const watching = member.stream(
    "watch",
    { key, startRevision: 1 },
    {
      next: ({ events }) => void revisions.push(...events.map(({ kv }) => kv.modRevision)),
      end: (error) => expect(error).toBeUndefined(),
    },
  );
  await host.run(1_000);
  watching.cancel();
  return revisions;
}

describe("three API servers", () => {
  it.each([11, 12, 13, 14])(
    "lose no acknowledged write and serve no stale read while masters die (seed %i)",
    async (seed) => {
      const host = plane(seed);
      await host.start();
      await host.settle(() => host.context.ref(apiServerProtocol, "api-server-0").call("ready", null));
      const client = new Client(host.context, SERVERS);
      await host.settle(() => client.create(configMaps, { metadata: { name: "shared", namespace: "default" } }));
      const work: Workload = { acknowledged: new Set(), stale: [], unexpected: [], running: true, busy: 0 };
      const followers = SERVERS.map((name) => new Follower(host, name));
      for (const id of [0, 1, 2]) void writer(host, id, work);
      for (let round = 0; round < 10; round++) {
        await host.run(300);
        const pick = host.context.random.below(3);
        const other = (pick + 1 + host.context.random.below(2)) % 3;
        if (round % 5 === 0) host.kill(`etcd-${pick}`);
        else if (round % 5 === 1) host.kill(`api-server-${pick}`);
        else if (round % 5 === 2) {
          const rest = [...ETCD.filter((name) => name !== `etcd-${pick}`)];
          host.partition([`etcd-${pick}`], rest);
          await host.run(1_500);
          host.heal([`etcd-${pick}`], rest);
        } else {
          host.kill(`etcd-${pick}`);
          host.kill(`api-server-${other}`);
        }
      }
      work.running = false;
      for (let waited = 0; work.busy > 0 && waited < 20_000; waited += 100) await host.run(100);
      await host.run(3_000);
      const { data = {}, metadata } = (await host.settle(() =>
        client.get(configMaps, "shared", "default"),
      )) as ConfigMap;
      expect(work.unexpected).toEqual([]);
      expect(work.busy).toBe(0);
      expect(work.stale).toEqual([]);
      expect([...work.acknowledged].filter((key) => data[key] === undefined)).toEqual([]);
      expect(work.acknowledged.size).toBeGreaterThan(100);
      const history = await revisionsOf(host, "/registry/configmaps/default/shared");
      expect(history.length).toBeGreaterThan(work.acknowledged.size);
      for (const { runs } of followers) {
        for (const run of runs.filter(({ length }) => length > 0)) {
          const begin = history.indexOf(run[0]!);
          expect(run).toEqual(history.slice(begin, begin + run.length));
        }
        expect(String(runs.at(-1)?.at(-1))).toBe(metadata?.resourceVersion);
      }
      await host.stop();
    },
    60_000,
  );

  it("never give one cluster IP twice, also when the answer to a creation is lost", async () => {
    const host = plane(21);
    await host.start();
    await host.settle(() => host.context.ref(apiServerProtocol, "api-server-0").call("ready", null));
    const progress = { done: 0 };
    for (let index = 0; index < 60; index++) {
      const client = new Client(host.context, rotated(SERVERS, index % 3));
      const object = { metadata: { name: `s${index}`, namespace: "default" }, spec: { ports: [{ port: 80 }] } };
      void client.create(services, object).then(
        () => progress.done++,
        (error: unknown) =>
          isTrouble(error) || hasReason(error, "AlreadyExists") ? progress.done++ : Promise.reject(error),
      );
    }
    await host.run(2);
    host.kill("etcd-0");
    await host.run(3);
    host.kill("api-server-1");
    for (let waited = 0; progress.done < 60 && waited < 20_000; waited += 100) await host.run(100);
    const client = new Client(host.context, SERVERS);
    const { items } = await host.settle(() => client.list(services, { namespace: "default" }));
    const ips = items.map((each) => each.spec?.clusterIP);
    expect(progress.done).toBe(60);
    expect(items.length).toBeGreaterThan(40);
    expect(new Set(ips).size).toBe(items.length);
    await host.stop();
  }, 60_000);
});
