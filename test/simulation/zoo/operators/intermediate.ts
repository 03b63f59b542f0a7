/** A crash between two writes that belong together leaves what nobody goes on with. */
import { configMaps } from "../../../../actors/client/resources.ts";
import { converges, eventually, noHotLoop } from "../../../../actors/cluster/chaos/oracles.ts";
import { hasReason } from "../../../../protocols/api-server.ts";
import type { Bug } from "./operator.ts";
import {
  adds,
  addsStore,
  again,
  annotate,
  atOnce,
  create,
  defines,
  find,
  follow,
  generated,
  listed,
  NAMESPACE,
  put,
  remove,
  removes,
  set,
  setFinalizers,
  sets,
  setsStore,
  setStatus,
  STORE,
  thing,
  whenThere,
} from "./operator.ts";

const FINALIZER = "zoo.example.com/operator";

export const intermediate: readonly Bug[] = [
  {
    name: "generated-and-noted-afterwards",
    why: "what was created under a generated name is noted in a second write",
    after: "scylladb/scylla-operator#2492",
    workload: [adds(thing("store", "db")), sets("db", { color: "blue" })],
    start: async (kit) => {
      const { client, isMended } = kit;
      await follow(kit, ["store"], async (name, cached) => {
        const store = cached.get("store", name);
        if (store === undefined || store.metadata.annotations?.["volume"] !== undefined) return;
        let volume = `${name}-volume`;
        if (isMended) await create(client, thing("volume", volume, {}, name));
        else volume = (await client.create(configMaps, generated("volume", `${volume}-`, {}, name))).metadata!.name!;
        await annotate(client, name, { volume });
      });
    },
  },
  {
    name: "grown-by-what-was-deleted",
    why: "whether claims have to grow is read off the set, which is deleted before they do",
    after: "rabbitmq/cluster-operator#782",
    workload: [adds(thing("store", "db", { size: "10" })), sets("db", { size: "15" })],
    start: async (kit) => {
      const { client, isMended } = kit;
      await follow(kit, ["store"], async (name, cached) => {
        const size = cached.get("store", name)?.data["size"];
        if (size === undefined) return;
        const [group, claim] = [await find(client, `${name}-set`), await find(client, `${name}-claim`)];
        const judged = isMended ? claim : group;
        if (judged !== undefined && judged.data["size"] !== size) {
          await remove(client, `${name}-set`);
          await set(client, `${name}-claim`, { size });
        }
        await create(client, thing("claim", `${name}-claim`, { size }, name));
        await put(client, thing("set", `${name}-set`, { size }, name));
      });
    },
  },
  {
    name: "finishes-only-what-it-began",
    why: "a member that is gone already, as the note of its going was not written, is an error for ever",
    after: "Orange-OpenSource/casskop#370",
    workload: [adds(thing("store", "db", { members: "2" })), sets("db", { members: "1" })],
    start: async (kit) => {
      const { client, isMended } = kit;
      await follow(kit, ["store"], async (name) => {
        const store = await find(client, name);
        if (store === undefined) return;
        const wanted = Number(store.data["members"]);
        const last = `${name}-${wanted}`;
        switch (store.metadata.annotations?.["phase"] ?? "done") {
          case "done":
            for (let index = 0; index < wanted; index++) {
              await create(client, thing("claim", `${name}-${index}-claim`, {}, name));
              await create(client, thing("member", `${name}-${index}`, {}, name));
            }
            if ((await find(client, last)) !== undefined) await annotate(client, name, { phase: "leaving" });
            return;
          case "leaving":
            if ((await find(client, last)) === undefined && !isMended) throw new Error(`there is no member ${last}`);
            await remove(client, last);
            return annotate(client, name, { phase: "cleaning" });
          case "cleaning":
            await remove(client, `${last}-claim`);
            return annotate(client, name, { phase: null });
        }
      });
    },
  },
  {
    name: "password-made-anew",
    why: "the database is given a password before that is kept, and after a crash another one is kept",
    after: "arkmq-org/arkmq-org-broker-operator#122",
    workload: [adds(thing("store", "db"))],
    oracles: [
      eventually("the database has the password that is kept", (state) => {
        const passwordOf = (name: string): string | undefined =>
          state.get(configMaps, name, NAMESPACE)?.data?.["password"];
        return passwordOf("db-secret") !== undefined && passwordOf("db-secret") === passwordOf("db-engine");
      }),
      converges(),
      noHotLoop(),
    ],
    start: async (kit) => {
      const { client, isMended, random } = kit;
      await follow(kit, ["store"], async (name, cached) => {
        if (cached.get("store", name) === undefined) return;
        const kept = await find(client, `${name}-secret`);
        const password = kept?.data["password"] ?? String(random.below(1e9));
        const secret = thing("secret", `${name}-secret`, { password }, name);
        const engine = thing("engine", `${name}-engine`, { password }, name);
        for (const each of isMended ? [secret, engine] : [engine, secret]) await create(client, each);
      });
    },
  },
  {
    name: "done-before-it-is",
    why: "the store is marked as initialised before it is",
    after: "Sieve: intermediate states",
    workload: [adds(thing("store", "db"))],
    start: async (kit) => {
      const { client, isMended } = kit;
      await follow(kit, ["store"], async (name, cached) => {
        const store = cached.get("store", name);
        if (store === undefined || store.metadata.annotations?.["initialised"] !== undefined) return;
        if (isMended) await create(client, thing("schema", `${name}-schema`, {}, name));
        await annotate(client, name, { initialised: "true" });
        if (!isMended) await create(client, thing("schema", `${name}-schema`, {}, name));
      });
    },
  },
  {
    name: "generation-observed-first",
    why: "the generation is noted as observed before what follows from it is written",
    after: "Sieve: intermediate states, misconfiguration",
    workload: [defines, addsStore("db", { color: "red" }), setsStore("db", { color: "blue" })],
    start: async (kit) => {
      const { client, isMended } = kit;
      await follow(kit, [STORE], async (name, cached) => {
        const store = cached.store(name);
        if (store === undefined) return;
        const generation = String(store.metadata?.generation);
        const page = thing("page", `${name}-page`, { color: store.spec["color"]! }, name);
        if (isMended) await put(client, page);
        if (store.status?.["observed"] === generation) return;
        await setStatus(client, name, { observed: generation });
        if (!isMended) await put(client, page);
      });
    },
  },
  {
    name: "finalizer-after-the-volume",
    why: "the store gets its finalizer only when its volume is there already",
    after: "outscale/cluster-api-provider-outscale#917",
    workload: [adds(thing("store", "other")), atOnce(200, adds(thing("store", "db")), removes("db"))],
    start: async (kit) => {
      const { client, isMended } = kit;
      await follow(kit, ["store"], async (name) => {
        const store = await find(client, name);
        if (store === undefined) return;
        const { deletionTimestamp, finalizers = [] } = store.metadata;
        if (deletionTimestamp !== undefined) {
          await remove(client, `${name}-volume`);
          return setFinalizers(client, store, []);
        }
        if (isMended && finalizers.length === 0) return setFinalizers(client, store, [FINALIZER]);
        await create(client, thing("volume", `${name}-volume`, {}, name));
        if (finalizers.length === 0) await setFinalizers(client, store, [FINALIZER]);
      });
    },
  },
  {
    name: "finalizer-goes-first",
    why: "the finalizer is taken off, and what it guards is removed afterwards",
    after: "pingcap/tidb-operator#6532",
    workload: [adds(thing("store", "db", {}, undefined, { finalizers: [FINALIZER] })), removes("db")],
    start: async (kit) => {
      const { client, isMended } = kit;
      await follow(kit, ["store"], async (name) => {
        const store = await find(client, name);
        if (store === undefined) return;
        if (store.metadata.deletionTimestamp === undefined) {
          return create(client, thing("volume", `${name}-volume`, {}, name));
        }
        if (isMended) await remove(client, `${name}-volume`);
        await setFinalizers(client, store, []);
        if (!isMended) await remove(client, `${name}-volume`);
      });
    },
  },
  {
    name: "one-child-stands-for-both",
    why: "that the first of two children is there is taken for both",
    after: "operator-framework/operator-sdk#2636",
    workload: [adds(thing("store", "db"))],
    start: async (kit) => {
      const { client, isMended } = kit;
      await follow(kit, ["store"], async (name, cached) => {
        if (cached.get("store", name) === undefined) return;
        if (!isMended && (await find(client, `${name}-service`)) !== undefined) return;
        await create(client, thing("service", `${name}-service`, {}, name));
        await create(client, thing("settings", `${name}-settings`, {}, name));
      });
    },
  },
  {
    name: "moved-by-deletion",
    why: "what is moved is deleted there before it is created here",
    after: "Sieve: intermediate states, data loss",
    workload: [
      adds(thing("store", "db", { home: "a" })),
      whenThere("db-at-a", sets("db-at-a", { rows: "precious" })),
      sets("db", { home: "b" }),
    ],
    start: async (kit) => {
      const { client, isMended } = kit;
      await follow(kit, ["store"], async (name) => {
        const home = (await find(client, name))?.data["home"];
        if (home === undefined) return;
        const shards = await listed(client, "shard", name);
        const target = `${name}-at-${home}`;
        const others = shards.filter(({ metadata }) => metadata.name !== target);
        const made = async (): Promise<void> => {
          if (shards.length > others.length) return;
          await create(client, thing("shard", target, { rows: others[0]?.data["rows"] ?? "none" }, name));
        };
        if (isMended) await made();
        for (const { metadata } of others) await remove(client, metadata.name);
        if (!isMended) await made();
      });
    },
  },
  {
    name: "rotated-through-nothing",
    why: "a secret is replaced by deleting it, and what is noted before makes that look as if it were done",
    after: "Sieve: intermediate states, security",
    workload: [adds(thing("store", "db", { key: "1" })), sets("db", { key: "2" }), again(sets("db", { key: "2" }))],
    start: async (kit) => {
      const { client, isMended } = kit;
      await follow(kit, ["store"], async (name) => {
        const store = await find(client, name);
        if (store === undefined) return;
        const key = store.data["key"]!;
        const secret = thing("secret", `${name}-secret`, { key }, name);
        if (isMended) return put(client, secret);
        if (store.metadata.annotations?.["rotated"] === key) return;
        await annotate(client, name, { rotated: key });
        await remove(client, `${name}-secret`);
        await create(client, secret);
      });
    },
  },
  {
    name: "renamed-in-two-writes",
    why: "an index is changed before what it is of, and what stands in it is believed",
    after: "Sieve: intermediate states, malfunction",
    workload: [adds(thing("store", "db")), adds(thing("store", "files"))],
    start: async (kit) => {
      const { client, isMended } = kit;
      await follow(kit, ["store"], async (name, cached) => {
        if (cached.get("store", name) === undefined) return;
        const index = await find(client, "index");
        const isNoted = index?.data[name] !== undefined;
        if (isNoted && !isMended) return;
        if (isMended) await create(client, thing("route", `${name}-route`, {}, name));
        if (index === undefined) await create(client, thing("index", "index"));
        if (!isNoted) await set(client, "index", { [name]: "yes" });
        if (!isMended) {
          try {
            await client.create(configMaps, thing("route", `${name}-route`, {}, name));
          } catch (error) {
            if (!hasReason(error, "AlreadyExists")) throw error;
          }
        }
      });
    },
  },
];
