/** A cache that is behind, after a restart or for a while, is believed. */
import { configMaps } from "../../../../actors/client/resources.ts";
import {
  converges,
  eventually,
  never,
  noHotLoop,
  sameEnd,
  sameLives,
} from "../../../../actors/cluster/chaos/oracles.ts";
import { hasReason } from "../../../../protocols/api-server.ts";
import type { Bug } from "./operator.ts";
import {
  adds,
  addsStore,
  again,
  atOnce,
  create,
  customOf,
  defines,
  find,
  follow,
  generated,
  listed,
  NAMESPACE,
  ownedOf,
  put,
  remove,
  removes,
  removesStore,
  setFinalizers,
  sets,
  setsStore,
  setStatus,
  STORE,
  storeOf,
  stores,
  thing,
  whenGone,
} from "./operator.ts";

const FINALIZER = "zoo.example.com/operator";
const guarded = { finalizers: [FINALIZER] };
const LIVES = [sameEnd(), sameLives(), converges(), noHotLoop()];

export const stale: readonly Bug[] = [
  {
    name: "published-from-the-past",
    why: "what a list of the past still has is published for good",
    after: "kubernetes/kubernetes#59848",
    workload: [adds(thing("store", "db")), adds(thing("store", "files")), removes("db")],
    start: async ({ client, informer, isMended }) => {
      const labelSelector = "role=store";
      const publish = (name: string): Promise<void> => create(client, thing("page", `${name}-page`, {}, name));
      const selected = { namespace: NAMESPACE, labelSelector };
      const { items } = await client.list(configMaps, isMended ? selected : { ...selected, resourceVersion: "0" });
      for (const { metadata } of items) await publish(metadata!.name!);
      const now = new Set(items.map(({ metadata }) => metadata!.name));
      for (const { metadata } of await listed(client, "page")) {
        if (!now.has(metadata.labels!["owner"])) await remove(client, metadata.name);
      }
      const cache = informer(configMaps, selected);
      cache.onChange(async ({ type, object }) => {
        const name = object.metadata!.name!;
        if (type === "deleted") await remove(client, `${name}-page`);
        else if (!isMended || (await find(client, name)) !== undefined) await publish(name);
      });
      cache.start();
    },
  },
  {
    name: "deletion-of-a-namesake",
    why: "that an earlier store of the same name was being deleted costs the one of today its claim",
    after: "pravega/zookeeper-operator#312, datastax/cass-operator#412, instaclustr/cassandra-operator#402",
    workload: [
      adds(thing("store", "db", {}, undefined, guarded)),
      removes("db"),
      whenGone("db", again(adds(thing("store", "db", {}, undefined, guarded)))),
    ],
    oracles: LIVES,
    start: async (kit) => {
      const { client } = kit;
      await follow(kit, ["store"], async (name, cached) => {
        const store = await storeOf(kit, name, cached);
        if (store === undefined) return;
        if (store.metadata.deletionTimestamp === undefined) {
          return create(client, thing("claim", `${name}-claim`, {}, name));
        }
        await remove(client, `${name}-claim`);
        await setFinalizers(client, store, []);
      });
    },
  },
  {
    name: "scaled-down-from-the-past",
    why: "members and their claims go because there once were to be fewer",
    after: "pravega/zookeeper-operator#314, instaclustr/cassandra-operator#407",
    workload: [
      adds(thing("store", "db", { members: "2" })),
      sets("db", { members: "1" }),
      again(sets("db", { members: "2" })),
    ],
    oracles: LIVES,
    start: async (kit) => {
      const { client } = kit;
      await follow(kit, ["store"], async (name, cached) => {
        const store = await storeOf(kit, name, cached);
        if (store === undefined) return;
        const wanted = Number(store.data["members"]);
        for (let index = 0; index < wanted; index++) {
          await create(client, thing("claim", `${name}-${index}-claim`, {}, name));
          await create(client, thing("member", `${name}-${index}`, {}, name));
        }
        for (const role of ["member", "claim"]) {
          for (const { metadata } of await listed(client, role, name)) {
            if (Number(metadata.name.split("-")[1]) >= wanted) await remove(client, metadata.name);
          }
        }
      });
    },
  },
  {
    name: "switched-off-in-the-past",
    why: "a secret goes because encryption was off once",
    after: "yugabyte/yugabyte-operator#35",
    workload: [adds(thing("store", "db", { tls: "off" })), sets("db", { tls: "on" })],
    oracles: LIVES,
    start: async (kit) => {
      const { client } = kit;
      await follow(kit, ["store"], async (name, cached) => {
        const store = await storeOf(kit, name, cached);
        if (store?.data["tls"] === "on") await create(client, thing("secret", `${name}-secret`, {}, name));
        else await remove(client, `${name}-secret`);
      });
    },
  },
  {
    name: "shrunk-from-the-past",
    why: "a set is deleted to change the size of its claims, whichever way",
    after: "rabbitmq/cluster-operator#653",
    workload: [adds(thing("store", "db", { size: "10" })), sets("db", { size: "15" })],
    oracles: LIVES,
    start: async (kit) => {
      const { client, isMended } = kit;
      await follow(kit, ["store"], async (name, cached) => {
        const size = cached.get("store", name)?.data["size"];
        if (size === undefined) return;
        const claim = await find(client, `${name}-claim`);
        const isOther = claim !== undefined && claim.data["size"] !== size;
        if (isMended && isOther && Number(claim.data["size"]) > Number(size)) return;
        if (isOther) {
          await remove(client, `${name}-set`);
          await put(client, thing("claim", `${name}-claim`, { size }, name));
        }
        await create(client, thing("claim", `${name}-claim`, { size }, name));
        await put(client, thing("set", `${name}-set`, { size }, name));
      });
    },
  },
  {
    name: "counted-in-the-cache",
    why: "members that the cache does not have yet are created once more",
    after: "ray-project/kuberay#715, kubernetes-sigs/cluster-api#13649",
    workload: [defines, addsStore("db", { size: "2" }), setsStore("db", { size: "3" })],
    start: async (kit) => {
      const { client } = kit;
      await follow(kit, [STORE, "member"], async (name, cached) => {
        const store = await customOf(kit, name, cached);
        if (store === undefined) return;
        const size = store.spec["size"]!;
        const { length } = await ownedOf(kit, "member", name, cached);
        for (let count = length; count < Number(size); count++) {
          await client.create(configMaps, generated("member", `${name}-`, {}, name));
        }
        if (store.status?.["size"] !== size) await setStatus(client, name, { size });
      });
    },
  },
  {
    name: "guarded-by-the-cache",
    why: "whether all members are up is read from a cache that does not know yet of the one that was just stopped",
    after: "opensearch-project/opensearch-k8s-operator#1471",
    workload: [defines, addsStore("db", { restart: "1" }), setsStore("db", { restart: "2" })],
    oracles: [
      never("two members are down", (state, { type, object }) => {
        if (type !== "deleted" || object.metadata?.labels?.["role"] !== "member") return false;
        const left = state
          .list(configMaps, NAMESPACE)
          .filter(({ metadata }) => metadata?.labels?.["role"] === "member");
        return left.length < 2;
      }),
      eventually("every member was started again", (state) => {
        const members = state
          .list(configMaps, NAMESPACE)
          .filter(({ metadata }) => metadata?.labels?.["role"] === "member");
        return members.length === 3 && members.every(({ data }) => data?.["restart"] === "2");
      }),
      converges(),
      noHotLoop(),
    ],
    start: async (kit) => {
      const { client } = kit;
      await follow(kit, [STORE, "member"], async (name, cached) => {
        const store = await customOf(kit, name, cached);
        if (store === undefined) return;
        const restart = store.spec["restart"]!;
        const members = await ownedOf(kit, "member", name, cached);
        const missing = [0, 1, 2].filter(
          (index) => !members.some(({ metadata }) => metadata.name === `${name}-${index}`),
        );
        for (const index of missing) await create(client, thing("member", `${name}-${index}`, { restart }, name));
        if (missing.length > 0) return;
        const done = Number(store.status?.[`restarted-${restart}`] ?? 0);
        const next = members.find(({ metadata }) => metadata.name === `${name}-${done}`);
        if (next === undefined) return;
        if (next.data["restart"] !== restart) await remove(client, next.metadata.name);
        await setStatus(client, name, { [`restarted-${restart}`]: String(done + 1) });
      });
    },
  },
  {
    name: "written-from-the-cache",
    why: "the whole object is written as the cache has it, over what its user has changed since",
    after: "infinispan/infinispan-operator#2166",
    workload: [adds(thing("store", "db", { color: "red" })), sets("db", { color: "blue" })],
    start: async (kit) => {
      const { client, isMended } = kit;
      await follow(kit, ["store"], async (name, cached) => {
        const store = cached.get("store", name);
        if (store === undefined || store.data["size"] !== undefined) return;
        const { resourceVersion, ...metadata } = store.metadata;
        const checked = isMended ? { ...metadata, resourceVersion: resourceVersion! } : metadata;
        await client.update(configMaps, { ...store, metadata: checked, data: { ...store.data, size: "1" } });
      });
    },
  },
  {
    name: "finalizer-off-as-nothing-is-seen",
    why: "the finalizer goes when the cache has no volume, and it does not have the newest",
    after: "pingcap/tidb-operator#6532",
    workload: [defines, addsStore("other", {}), atOnce(200, addsStore("db", {}, guarded), removesStore("db"))],
    start: async (kit) => {
      const { client } = kit;
      await follow(kit, [STORE, "volume"], async (name, cached) => {
        const store = await client.find(stores, name, NAMESPACE);
        if (store === undefined) return;
        const volumes = await ownedOf(kit, "volume", name, cached);
        if (store.metadata?.deletionTimestamp === undefined) {
          return create(client, thing("volume", `${name}-volume`, {}, name));
        }
        for (const { metadata } of volumes) await remove(client, metadata.name);
        const { resourceVersion } = store.metadata;
        await client.patch(stores, name, NAMESPACE, { metadata: { finalizers: [], resourceVersion } });
      });
    },
  },
  {
    name: "owned-by-the-past",
    why: "a child gets the owner that the cache has, and is collected with it",
    after: "kubernetes/kubernetes#59848, Sieve: stale states, service failure",
    workload: [defines, addsStore("db", {}), removesStore("db"), again(addsStore("db", {}))],
    oracles: LIVES,
    start: async (kit) => {
      const { client } = kit;
      await follow(kit, [STORE], async (name, cached) => {
        const store = await customOf(kit, name, cached);
        if (store === undefined) return;
        const uid = store.metadata!.uid!;
        const owner = { apiVersion: "zoo.example.com/v1", kind: "Store", name, uid };
        const page = await find(client, `${name}-page`);
        const wanted = thing("page", `${name}-page`, {}, name, { ownerReferences: [owner] });
        if (page === undefined) await create(client, wanted);
        else if (page.metadata.ownerReferences?.[0]?.uid !== uid) {
          await client.patch(configMaps, `${name}-page`, NAMESPACE, { metadata: { ownerReferences: [owner] } });
        }
      });
    },
  },
  {
    name: "created-again-and-failed",
    why: "what the cache does not have yet is created again, and that it is there is a failure for good",
    after: "grpc/test-infra#105",
    workload: [defines, addsStore("db", { size: "1" }), setsStore("db", { size: "2" })],
    start: async (kit) => {
      const { client, isMended } = kit;
      await follow(kit, [STORE, "page"], async (name, cached) => {
        const store = cached.store(name);
        if (store === undefined || store.status?.["phase"] === "failed") return;
        let phase = "running";
        if (cached.get("page", `${name}-page`) === undefined) {
          try {
            await client.create(configMaps, thing("page", `${name}-page`, {}, name));
          } catch (error) {
            if (!hasReason(error, "AlreadyExists")) throw error;
            phase = isMended ? "running" : "failed";
          }
        }
        if (store.status?.["phase"] !== phase) await setStatus(client, name, { phase });
      });
    },
  },
  {
    name: "port-given-twice",
    why: "a port that is free in the cache is given away a second time",
    after: "kubernetes/kubernetes#59848: two of what may be there once",
    workload: [defines, addsStore("db", {}), addsStore("files", {})],
    oracles: [
      never("one port for two stores", (state) => {
        const ports = state.list(configMaps, NAMESPACE).flatMap(({ data }) => data?.["port"] ?? []);
        return new Set(ports).size < ports.length;
      }),
      converges(),
      noHotLoop(),
    ],
    start: async (kit) => {
      const { client, isMended } = kit;
      await follow(kit, [STORE, "port"], async (name, cached) => {
        if (cached.store(name) === undefined) return;
        if ((await ownedOf(kit, "port", name, cached)).length > 0) return;
        const taken = isMended ? await listed(client, "port") : cached.list("port");
        for (let port = 1; ; port++) {
          if (taken.some(({ data }) => data["port"] === String(port))) continue;
          // Two stores may come to the same port at once: its name can be had once only.
          const called = isMended ? `port-${port}` : `${name}-port`;
          return void (await client.create(configMaps, thing("port", called, { port: String(port) }, name)));
        }
      });
    },
  },
];
