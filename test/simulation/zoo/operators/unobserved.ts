/** What happened while nobody looked, or was told in one breath with what came after it, is never made good. */
import { configMaps } from "../../../../actors/client/resources.ts";
import { converges, noHotLoop, sameEnd, sameLives } from "../../../../actors/cluster/chaos/oracles.ts";
import { hasReason } from "../../../../protocols/api-server.ts";
import type { Bug } from "./operator.ts";
import {
  adds,
  annotate,
  atOnce,
  create,
  find,
  follow,
  generated,
  listed,
  NAMESPACE,
  put,
  remove,
  removes,
  sets,
  thing,
  whenThere,
} from "./operator.ts";

const GUARD = "zoo.example.com/guard";
const unguards = (name: string): Bug["workload"][number] => ({
  name: `let ${name} go`,
  run: async ({ client }) => void (await client.patch(configMaps, name, NAMESPACE, { metadata: { finalizers: [] } })),
});

export const unobserved: readonly Bug[] = [
  {
    name: "deletion-missed",
    why: "a deletion is only heard of by who is there when it happens",
    after: "kubernetes/kubernetes#56261, zalando/postgres-operator#941",
    workload: [adds(thing("store", "db")), adds(thing("store", "files")), removes("db")],
    start: async (kit) => {
      const { client, isMended } = kit;
      await follow(kit, isMended ? ["store", "page"] : ["store"], async (name) => {
        if ((await find(client, name)) === undefined) await remove(client, `${name}-page`);
        else await create(client, thing("page", `${name}-page`, {}, name));
      });
    },
  },
  {
    name: "timestamp-missed",
    why: "a claim goes when its member is seen being deleted, and not when it is seen to be gone",
    after: "instaclustr/cassandra-operator#398",
    workload: [
      adds(thing("member", "db-0", {}, "db", { finalizers: [GUARD] }), thing("claim", "db-0-claim", {}, "db")),
      atOnce(50, removes("db-0"), unguards("db-0")),
    ],
    start: async (kit) => {
      const { client, isMended } = kit;
      await follow(kit, isMended ? ["member", "claim"] : ["member"], async (name, cached) => {
        for (const { metadata } of cached.list("member", name)) {
          if (metadata.deletionTimestamp !== undefined) await remove(client, `${metadata.name}-claim`);
        }
        if (!isMended) return;
        for (const { metadata } of await listed(client, "claim", name)) {
          const isUsed = (await find(client, metadata.name.replace(/-claim$/, ""))) !== undefined;
          if (!isUsed) await remove(client, metadata.name);
        }
      });
    },
  },
  {
    name: "compared-with-memory",
    why: "what has changed is told by what was remembered, and not by what is there",
    after: "Sieve: unobserved states, misconfiguration",
    workload: [adds(thing("store", "db", { version: "1" })), sets("db", { version: "2" })],
    start: async (kit) => {
      const { client, isMended } = kit;
      const changed = new Set<string>();
      await follow(
        kit,
        ["store"],
        async (name, cached) => {
          const store = cached.get("store", name);
          if (store === undefined) return;
          const page = thing("page", `${name}-page`, { ...store.data }, name);
          if (isMended || changed.has(name)) await put(client, page);
          else await create(client, page);
          changed.delete(name);
        },
        ({ object, previous }) => {
          const isOther = previous !== undefined && previous.data?.["version"] !== object.data?.["version"];
          if (isOther) changed.add(object.metadata!.name!);
        },
      );
    },
  },
  {
    name: "added-means-new",
    why: "whatever is told as added is started, and after a restart that is everything",
    after: "arkmq-org/arkmq-org-broker-operator#122",
    workload: [adds(thing("store", "db")), sets("db", { color: "blue" })],
    oracles: [sameEnd(), sameLives(), converges(), noHotLoop()],
    start: async (kit) => {
      const { client, isMended } = kit;
      const fresh = new Set<string>();
      await follow(
        kit,
        ["store"],
        async (name) => {
          if (!isMended && fresh.has(name)) await remove(client, `${name}-broker`);
          await create(client, thing("broker", `${name}-broker`, {}, name));
          fresh.delete(name);
        },
        ({ type, object }) => void (type === "added" && fresh.add(object.metadata!.name!)),
      );
    },
  },
  {
    name: "ready-is-not-looked-at",
    why: "what was ready once is not looked at again, and that it went was only told while nobody was there",
    after: "operator-framework/operator-sdk#2636",
    workload: [adds(thing("store", "db")), whenThere("db-page", removes("db-page"))],
    start: async (kit) => {
      const { client, isMended } = kit;
      const gone = new Set<string>();
      await follow(
        kit,
        ["store", "page"],
        async (name, cached) => {
          const store = cached.get("store", name);
          if (store === undefined) return;
          const isReady = store.metadata.annotations?.["ready"] !== undefined;
          if (isReady && !isMended && !gone.has(name)) return;
          await create(client, thing("page", `${name}-page`, {}, name));
          if (!isReady) await annotate(client, name, { ready: "yes" });
          gone.delete(name);
        },
        ({ type, object }) => void (type === "deleted" && gone.add(object.metadata?.labels?.["owner"] ?? "")),
      );
    },
  },
  {
    name: "expired-and-begun-anew",
    why: "a watch that has expired is begun anew from the present, and what went meanwhile is never told",
    after: "kubernetes/kubernetes#56261; clients that do not list after 410",
    workload: [adds(thing("store", "db")), adds(thing("store", "files")), sets("db", { color: "red" }), removes("db")],
    start: async (kit) => {
      const { client, isMended } = kit;
      const sweep = async (): Promise<void> => {
        for (const { metadata } of await listed(client, "page")) {
          const owner = metadata.labels!["owner"]!;
          if ((await find(client, owner)) === undefined) await remove(client, metadata.name);
        }
      };
      const watch = (): void => {
        client.watch(
          configMaps,
          { namespace: NAMESPACE, labelSelector: "role=store" },
          {
            next: ({ type, object }) => {
              if (type !== "BOOKMARK") queue.add(object.metadata!.name!);
            },
            end: anew,
          },
        );
      };
      const anew = (): void => {
        if (isMended) swept.add("all");
        kit.clock.after(10, watch);
      };
      const queue = kit.queue("stores", async (name) => {
        if ((await find(client, name)) === undefined) await remove(client, `${name}-page`);
        else await create(client, thing("page", `${name}-page`, {}, name));
      });
      const swept = kit.queue("sweep", sweep);
      swept.add("all");
      watch();
    },
  },
  {
    name: "event-is-a-command",
    why: "each change is carried out as it is told, and a watch that goes on from where it began tells it twice",
    after: "Sieve: clients that replay what they have seen",
    workload: [adds(thing("store", "db")), sets("db", { backup: "monday" }), sets("db", { color: "blue" })],
    start: async (kit) => {
      const { client, isMended } = kit;
      const asked = new Set<string>();
      await follow(
        kit,
        ["store"],
        async (name, cached) => {
          const backup = cached.get("store", name)?.data["backup"];
          if (backup === undefined) return;
          if (isMended) return create(client, thing("backup", `${name}-backup-${backup}`, {}, name));
          if (asked.delete(name)) await client.create(configMaps, generated("backup", `${name}-backup-`, {}, name));
        },
        ({ object, previous }) => {
          if (previous?.data?.["backup"] !== object.data?.["backup"]) asked.add(object.metadata!.name!);
        },
      );
    },
  },
  {
    name: "counted-by-changes",
    why: "a count goes up and down with what is told, and is never counted anew",
    after: "Sieve: unobserved states, malfunction",
    workload: [adds(thing("store", "db")), adds(thing("store", "files")), removes("db")],
    start: async (kit) => {
      const { client, isMended } = kit;
      const told = new Map<string, number>();
      const write = async (count: (before: number) => number): Promise<void> => {
        const index = await find(client, "index");
        const next = String(count(Number(index?.data["count"] ?? 0)));
        if (index === undefined) await create(client, thing("index", "index", { count: next }));
        else if (index.data["count"] !== next) await client.update(configMaps, { ...index, data: { count: next } });
      };
      await follow(
        kit,
        ["store"],
        async (name) => {
          if (isMended) {
            const { length } = await listed(client, "store");
            return write(() => length);
          }
          const by = told.get(name) ?? 0;
          await write((before) => before + by);
          told.delete(name);
        },
        ({ type, object }) => {
          const name = object.metadata!.name!;
          if (type !== "updated") told.set(name, (told.get(name) ?? 0) + (type === "added" ? 1 : -1));
        },
      );
    },
  },
  {
    name: "thinks-of-the-gone",
    why: "at its start it writes to the owner of each page, and dies of one that is gone",
    after: "NSDI'26 study of operators: crash loops",
    workload: [adds(thing("store", "db")), adds(thing("store", "files")), removes("db")],
    start: async (kit) => {
      const { client, isMended } = kit;
      for (const { metadata } of await listed(client, "page")) {
        try {
          await annotate(client, metadata.labels!["owner"]!, { page: metadata.name });
        } catch (error) {
          if (!isMended || !hasReason(error, "NotFound")) throw error;
          await remove(client, metadata.name);
        }
      }
      await follow(kit, ["store"], async (name) => {
        if ((await find(client, name)) === undefined) return remove(client, `${name}-page`);
        await create(client, thing("page", `${name}-page`, {}, name));
        await annotate(client, name, { page: `${name}-page` });
      });
    },
  },
];
