/** Answers that are lost, refused or in conflict: what is done again, taken for something else, or never done again. */
import { configMaps } from "../../../../actors/client/resources.ts";
import type { Resource } from "../../../../actors/client/resources.ts";
import type { Step } from "../../../../actors/cluster/chaos/exploration.ts";
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import { hasReason } from "../../../../protocols/api-server.ts";
import type { Bug, Kit } from "./operator.ts";
import {
  adds,
  annotate,
  create,
  defines,
  find,
  follow,
  NAMESPACE,
  put,
  remove,
  removes,
  set,
  setFinalizers,
  sets,
  setsStore,
  STORE,
  stores,
  thing,
} from "./operator.ts";

const FINALIZER = "zoo.example.com/operator";
const JSON_PATCH = { patchType: "application/json-patch+json" } as const;

interface List extends KubernetesObject {
  readonly spec: { readonly size: string; readonly members: readonly string[] };
}

const addsList = (name: string, size: string): Step => ({
  name: `add the list ${name}`,
  run: async ({ client }) => {
    const list: List = { metadata: { name, namespace: NAMESPACE }, spec: { size, members: [] } };
    await client.create(stores as Resource, list);
  },
});

export const repeated: readonly Bug[] = [
  {
    name: "appended-twice",
    why: "what adds to a list is sent again when its answer is lost",
    after: "retries of what is not idempotent; no tool of the study loses replies",
    workload: [defines, addsList("db", "1"), setsStore("db", { size: "2" })],
    start: async (kit) => {
      const { client, isMended } = kit;
      await follow(kit, [STORE], async (name, cached) => {
        const store = cached.store(name) as KubernetesObject | undefined as List | undefined;
        if (store === undefined || store.spec.members.length >= Number(store.spec.size)) return;
        const { resourceVersion } = store.metadata!;
        const added = { op: "add", path: "/spec/members/-", value: `${name}-${store.spec.members.length}` };
        const patch = isMended
          ? [{ op: "test", path: "/metadata/resourceVersion", value: resourceVersion }, added]
          : [added];
        const append = (): Promise<unknown> => client.patch(stores, name, NAMESPACE, patch, JSON_PATCH);
        try {
          await append();
        } catch (error) {
          if (isMended) throw error;
          await append();
        }
      });
    },
  },
  {
    name: "conflict-swallowed",
    why: "a conflict is not tried again: another event will surely come",
    after: "cockroachdb/cockroach-operator#915",
    workload: [adds(thing("store", "db", { color: "red" })), sets("db", { color: "blue" })],
    start: async (kit) => {
      const { client, isMended } = kit;
      await follow(kit, ["store"], async (name, cached) => {
        const store = cached.get("store", name);
        if (store === undefined) return;
        try {
          await put(client, thing("page", `${name}-page`, { ...store.data }, name));
        } catch (error) {
          if (isMended || !hasReason(error, "Conflict")) throw error;
        }
      });
    },
  },
  {
    name: "own-child-is-a-stranger",
    why: "that a child is there already is taken for somebody else's, also when only the answer was lost",
    after: "grpc/test-infra#105",
    workload: [adds(thing("store", "db"))],
    start: async (kit) => {
      const { client, isMended } = kit;
      await follow(kit, ["store"], async (name, cached) => {
        const { annotations = {} } = cached.get("store", name)?.metadata ?? { annotations: { state: "gone" } };
        if (annotations["state"] !== undefined) return;
        let state = "made";
        try {
          await client.create(configMaps, thing("page", `${name}-page`, {}, name));
        } catch (error) {
          if (!hasReason(error, "AlreadyExists")) throw error;
          const isOwn = (await find(client, `${name}-page`))?.metadata.labels?.["owner"] === name;
          state = isMended && isOwn ? "made" : "blocked";
        }
        await annotate(client, name, { state });
      });
    },
  },
  {
    name: "deleted-is-not-found",
    why: "that what is to be deleted is gone already is an error, and the finalizer stays for ever",
    after: "Sieve: intermediate states, resource leak",
    workload: [adds(thing("store", "db", {}, undefined, { finalizers: [FINALIZER] })), removes("db")],
    start: async (kit) => {
      const { client, isMended } = kit;
      await follow(kit, ["store"], async (name) => {
        const store = await find(client, name);
        if (store === undefined) return;
        const volume = `${name}-volume`;
        if (store.metadata.deletionTimestamp === undefined) return create(client, thing("volume", volume, {}, name));
        if (isMended) await remove(client, volume);
        else await client.delete(configMaps, volume, NAMESPACE);
        await setFinalizers(client, store, []);
      });
    },
  },
  {
    name: "unreadable-is-absent",
    why: "what can't be read just now is taken for what is not there",
    after: "NSDI'26 study of operators: errors that are swallowed",
    workload: [
      adds(thing("settings", "settings", { theme: "dark" })),
      adds(thing("store", "db", { color: "red" })),
      sets("db", { color: "blue" }),
    ],
    start: async (kit) => {
      const { client, isMended } = kit;
      const settingsOf = async (): ReturnType<typeof find> => {
        try {
          return await find(client, "settings");
        } catch (error) {
          if (isMended) throw error;
          return undefined;
        }
      };
      await follow(kit, ["store"], async (name, cached) => {
        const store = cached.get("store", name);
        const settings = await settingsOf();
        if (store === undefined || settings === undefined) return remove(client, `${name}-page`);
        await put(client, thing("page", `${name}-page`, { ...settings.data, ...store.data }, name));
      });
    },
  },
  {
    name: "failed-for-good",
    why: "the first error is written down as a failure, and nobody looks again",
    after: "grpc/test-infra#105, Acto: operators that can't recover",
    workload: [adds(thing("store", "db"))],
    start: async (kit) => {
      const { client, isMended } = kit;
      await follow(kit, ["store"], async (name, cached) => {
        const store = cached.get("store", name);
        if (store === undefined || store.metadata.annotations?.["failed"] !== undefined) return;
        try {
          await put(client, thing("page", `${name}-page`, {}, name));
        } catch (error) {
          if (isMended) throw error;
          await annotate(client, name, { failed: "yes" });
        }
      });
    },
  },
  {
    name: "three-tries",
    why: "a counter of tries is only ever counted up, and what is tried too often is left",
    after: "NSDI'26 study of operators: wrong retries",
    workload: [
      adds(thing("store", "db", { color: "red" })),
      sets("db", { color: "blue" }),
      sets("db", { color: "green" }),
    ],
    start: (kit) => counting(kit),
  },
];

async function counting(kit: Kit): Promise<void> {
  const { client, isMended } = kit;
  const tries = new Map<string, number>();
  await follow(kit, ["store"], async (name, cached) => {
    const store = cached.get("store", name);
    if (store === undefined) return;
    const count = (tries.get(name) ?? 0) + 1;
    if (count > 3 && !isMended) return;
    tries.set(name, count);
    if ((await find(client, `${name}-page`)) === undefined)
      await create(client, thing("page", `${name}-page`, {}, name));
    await set(client, `${name}-page`, { ...store.data });
  });
}
