import { expect, it } from "vitest";
import { ResourceCache } from "../../../../actors/api-server/core/cache/resource-cache.ts";
import { badRequest } from "../../../../actors/api-server/core/machinery/status.ts";
import { Mutations } from "../../../../actors/api-server/mutation.ts";
import { Pieces } from "../../../../actors/api-server/pieces.ts";
import type { Store } from "../../../../actors/api-server/store.ts";
import type { TxnRequest, TxnResponse } from "../../../../protocols/etcd.ts";
import { findResource } from "../../../../protocols/kubernetes/resources.ts";
import type { Context } from "../../../../runtime/actor.ts";
import type { ApiServerOptions } from "../../../../actors/api-server/spec.ts";

/** A store at revision 5, whose etcd is at 7 and has the claims that the test says. */
class World {
  revision = 5;
  readonly held: Set<string> = new Set();
  readonly mutations: Mutations;
  private readonly cache = new ResourceCache(findResource("", "v1", "services")!, undefined, {
    historyMin: 1,
    historyMax: 10,
    historyAgeMs: 1_000,
    historyBytes: 1_000_000,
  });

  constructor() {
    const revision = (): number => this.revision;
    const store = {
      get revision() {
        return revision();
      },
      noteWritten: () => undefined,
      consistent: () => Promise.resolve(),
      txn: async ({ compare }: TxnRequest): Promise<TxnResponse> => {
        const claims = (compare ?? []).slice(1).map(({ key }) => key);
        const succeeded = claims.every((key) => !this.held.has(key));
        const kv = { value: new Uint8Array(), createRevision: 6, modRevision: 6, version: 1 };
        const responses = [undefined, ...claims].map((key) => ({
          range: { kvs: key !== undefined && this.held.has(key) ? [{ key, ...kv }] : [] },
        }));
        return { header: { revision: 7 }, succeeded, responses } as unknown as TxnResponse;
      },
    };
    const ctx = { trace: { event: () => 0 } } as unknown as Context<ApiServerOptions>;
    this.mutations = new Mutations(ctx, store as unknown as Store, new Pieces(ctx.clock));
  }

  /** A write that is refused whenever it is decided. */
  refuse(decided: () => void): Promise<unknown> {
    return this.mutations.run({
      cache: this.cache,
      key: "default/a",
      deadlineMs: 1_000,
      cause: "",
      user: "test",
      dryRun: false,
      decide: () => {
        decided();
        throw badRequest("no such thing");
      },
    });
  }

  /** Makes a Service that claims the first of `claims` of which nobody is known to have it; answers which it tried. */
  async create(name: string, ...claims: readonly string[]): Promise<readonly string[]> {
    const tried: string[] = [];
    const object = { apiVersion: "v1", kind: "Service", metadata: { name } };
    await this.mutations.run({
      cache: this.cache,
      key: `default/${name}`,
      deadlineMs: 1_000,
      cause: "",
      user: "test",
      dryRun: false,
      decide: (_current, taken) => {
        const claim = claims.find((each) => !taken.has(each)) ?? "none";
        tried.push(claim);
        return { action: "put", object: object as never, claim: [claim] };
      },
    });
    return tried;
  }
}

it("a claim that turned out to be held is not tried again, until the cache is there and knows better", async () => {
  const world = new World();
  world.held.add("/ip/1");
  expect(await world.create("a", "/ip/1", "/ip/2")).toEqual(["/ip/1", "/ip/2"]);
  world.held.delete("/ip/1");
  expect(await world.create("b", "/ip/1", "/ip/3")).toEqual(["/ip/3"]);
  world.revision = 7;
  expect(await world.create("c", "/ip/1", "/ip/4")).toEqual(["/ip/1"]);
});

it("claims that were held are not remembered for ever", async () => {
  const world = new World();
  for (let round = 0; round < 10; round++) {
    world.revision = 5;
    world.held.add(`/ip/${round}`);
    await world.create(`s-${round}`, `/ip/${round}`, "/free");
    world.revision = 7;
  }
  const { taken } = world.mutations as unknown as { readonly taken: ReadonlyMap<string, number> };
  world.revision = 8;
  world.held.add("/ip/last");
  await world.create("last", "/ip/last", "/free").catch(() => undefined);
  expect(taken.size).toBe(1);
});

it("nobody's turn is remembered when it is over", async () => {
  const world = new World();
  await Promise.all(["a", "a", "b"].map((name, at) => world.create(name, `/ip/${at}`)));
  const { queues } = world.mutations as unknown as { readonly queues: ReadonlyMap<string, unknown> };
  expect(queues.size).toBe(0);
});

it("what is refused is decided once, when nobody has written anything meanwhile", async () => {
  const world = new World();
  let decided = 0;
  const refused = world.refuse(() => void decided++);
  await expect(refused).rejects.toThrow("no such thing");
  expect(decided).toBe(1);
});

it("what is refused is decided again, when somebody has written something meanwhile", async () => {
  const world = new World();
  let decided = 0;
  const refused = world.refuse(() => {
    decided++;
    world.revision = 6;
  });
  await expect(refused).rejects.toThrow("no such thing");
  expect(decided).toBe(2);
});
