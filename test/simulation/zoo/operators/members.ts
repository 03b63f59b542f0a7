/** What becomes of pods, and of the nodes that they run on: members that fail, go, are away for a while, or can't begin. */
import { configMaps, pods } from "../../../../actors/client/resources.ts";
import { hasReason } from "../../../../protocols/api-server.ts";
import type { ConfigMap, Pod } from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { Bug, Kit, Thing } from "./operator.ts";
import { adds, Cache, find, NAMESPACE, set, thing } from "./operator.ts";

const workload = [adds(thing("store", "db", { size: "2" })), adds(thing("store", "files", { size: "1" }))];

export const members: readonly Bug[] = [
  {
    name: "failed-is-there",
    why: "a member is made where there is none, and one that its node has evicted still is",
    after: "banzaicloud/koperator#326, humio/humio-operator#512",
    workers: 1,
    workload,
    start: (kit) =>
      followMembers(kit, async (store) => {
        const { client, isMended } = kit;
        for (const name of namesFor(store)) {
          const there = await client.find(pods, name, NAMESPACE);
          if (there === undefined) await make(kit, member({ name }, store));
          else if (isMended && isOver(there)) await unmake(kit, name);
        }
      }),
  },
  {
    name: "counts-what-it-made",
    why: "how many members there are is what it has made so far, and not what is there",
    after: "FoundationDB/fdb-kubernetes-operator#315",
    workers: 1,
    workload,
    start: (kit) =>
      followMembers(kit, async (store) => {
        const { client, isMended } = kit;
        const { name } = store.metadata;
        const [size, made] = [Number(store.data["size"]), Number(store.data["made"] ?? 0)];
        const found = await client.list(pods, { namespace: NAMESPACE, labelSelector: `owner=${name}` });
        for (const pod of found.items) if (isOver(pod)) await unmake(kit, pod.metadata?.name ?? "");
        const alive = found.items.filter((pod) => !isOver(pod) && pod.metadata?.deletionTimestamp === undefined);
        const has = isMended ? alive.length : Math.max(made, alive.length);
        for (let count = has; count < size; count++) {
          await client.create(pods, member({ generateName: `${name}-member-` }, store));
        }
        if (made < size) await set(client, name, { made: String(size) });
      }),
  },
  {
    name: "left-for-good",
    why: "a member that is not ready is taken off the list, and not put on it again when it is",
    after: "coreos/etcd-operator#1280",
    workers: 1,
    workload,
    start: (kit) => {
      const { client, isMended } = kit;
      return followMembers(kit, async (store, cache) => {
        const { name } = store.metadata;
        const names = namesFor(store);
        for (const each of names) await ensure(kit, each, store);
        const ready = names.filter((each) => isReady(cache.get(each)));
        const left = new Set((store.data["left"] ?? "").split(" ").filter((each) => each !== ""));
        const joined = (store.data["members"] ?? "").split(" ").filter((each) => each !== "");
        for (const each of joined) if (!isMended && !ready.includes(each)) left.add(each);
        const now = ready.filter((each) => !left.has(each)).join(" ");
        const wanted = { members: now, left: [...left].sort().join(" ") };
        if (wanted.members === (store.data["members"] ?? "") && wanted.left === (store.data["left"] ?? "")) return;
        await set(client, name, wanted);
      });
    },
  },
  {
    name: "given-up-for-its-image",
    why: "a store whose member has no image counts as failed for good, though the image comes back",
    after: "apache/flink-kubernetes-operator#411, ansible/receptor#522",
    workers: 1,
    workload,
    start: (kit) => {
      const { client, isMended } = kit;
      return followMembers(kit, async (store, cache) => {
        const { name } = store.metadata;
        const { phase } = store.data;
        if (!isMended && phase === "failed") return;
        const names = namesFor(store);
        for (const each of names) await ensure(kit, each, store);
        const found = names.map((each) => cache.get(each));
        const now = found.some((pod) => lacksImage(pod)) ? "failed" : found.every((pod) => isReady(pod)) ? "up" : "new";
        if (now !== phase) await set(client, name, { phase: now });
      });
    },
  },
];

/** Reconciles a store whenever it, or one of its pods, has changed; it is read anew each time. */
async function followMembers(kit: Kit, reconcile: (store: Thing, cache: Cache<Pod>) => Promise<void>): Promise<void> {
  const { client } = kit;
  const queue = kit.queue("stores", async (name) => {
    const store = await find(client, name);
    if (store !== undefined) await reconcile(store, ofPods);
  });
  const ofPods = new Cache<Pod>(kit, pods, "role=member", ({ object }) =>
    queue.add(object.metadata?.labels?.["owner"] ?? ""),
  );
  const ofStores = new Cache<ConfigMap>(kit, configMaps, "role=store", ({ object }) =>
    queue.add(object.metadata?.name ?? ""),
  );
  await Promise.all([ofPods.start(), ofStores.start()]);
}

function namesFor({ metadata, data }: Thing): readonly string[] {
  return Array.from({ length: Number(data["size"]) }, (_, index) => `${metadata.name}-${index}`);
}

function member(metadata: { readonly name: string } | { readonly generateName: string }, store: Thing): Pod {
  const labels = { role: "member", owner: store.metadata.name };
  return {
    metadata: { ...metadata, namespace: NAMESPACE, labels },
    spec: { containers: [{ name: "main", image: "member:1" }] },
  };
}

async function make({ client }: Kit, pod: Pod): Promise<void> {
  try {
    await client.create(pods, pod);
  } catch (error) {
    if (!hasReason(error, "AlreadyExists")) throw error;
  }
}

async function unmake({ client }: Kit, name: string): Promise<void> {
  try {
    await client.delete(pods, name, NAMESPACE);
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
  }
}

/** There, and not one that has failed. */
async function ensure(kit: Kit, name: string, store: Thing): Promise<void> {
  const there = await kit.client.find(pods, name, NAMESPACE);
  if (there === undefined) await make(kit, member({ name }, store));
  else if (isOver(there)) await unmake(kit, name);
}

function isOver({ status }: Pod): boolean {
  return status?.phase === "Failed" || status?.phase === "Succeeded";
}

function isReady(pod: Pod | undefined): boolean {
  return pod?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
}

function lacksImage(pod: Pod | undefined): boolean {
  const reason = pod?.status?.containerStatuses?.[0]?.state?.waiting?.reason;
  return reason === "ErrImagePull" || reason === "ImagePullBackOff";
}
