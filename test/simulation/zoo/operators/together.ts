/** Several at work on the same objects: leaders that are none any more, and writers that don't know of each other. */
import { configMaps, leases } from "../../../../actors/client/resources.ts";
import { converges, never, noHotLoop, sameEnd } from "../../../../actors/cluster/chaos/oracles.ts";
import { formatMicroTime } from "../../../../runtime/clock.ts";
import type { Bug, Kit } from "./operator.ts";
import {
  adds,
  addsStore,
  defines,
  find,
  follow,
  generated,
  listed,
  NAMESPACE,
  setsStore,
  STORE,
  stores,
  thing,
} from "./operator.ts";

const LEASE_MS = 2_000;
const RENEW_MS = 500;

export const together: readonly Bug[] = [
  {
    name: "leads-for-ever",
    why: "who was the leader once goes on as such, also when another one has taken over",
    after: "kyverno/kyverno#5984, volcano-sh/kthena#1793",
    replicas: 2,
    workload: [
      adds(thing("store", "db")),
      { name: "a while", run: ({ clock }) => clock.sleep(2 * LEASE_MS) },
      adds(thing("store", "files")),
    ],
    start: async (kit) => {
      const { client } = kit;
      const leads = electing(kit);
      await follow(kit, ["store"], async (name) => {
        const found = await find(client, name);
        if (!leads()) throw new Error("another one leads");
        if (found === undefined) return;
        const pages = await listed(client, "page", name);
        if (pages.length > 0 || !leads()) return;
        // Work that takes a while, in which another one may have begun as well.
        await kit.clock.sleep(50);
        if (!leads()) throw new Error("another one leads");
        await client.create(configMaps, generated("page", `${name}-page-`, {}, name));
      });
    },
  },
  {
    name: "leads-under-one-name",
    why: "all candidates have the same identity, and a second one takes the Lease for its own",
    after: "leader election with an identity that is not unique; scylladb/scylla-operator#683",
    workload: [adds(thing("store", "db")), adds(thing("store", "files"))],
    start: async (kit) => {
      const { client, isMended, name: own } = kit;
      // The switch is the identity: both ask their clocks.
      const leads = electing({ ...kit, isMended: true, name: isMended ? own : "operator" });
      await follow(kit, ["store"], async (name) => {
        const found = await find(client, name);
        if (!leads()) throw new Error("another one leads");
        if (found === undefined) return;
        const pages = await listed(client, "page", name);
        if (pages.length > 0 || !leads()) return;
        await client.create(configMaps, generated("page", `${name}-page-`, {}, name));
      });
    },
  },
  {
    name: "conditions-of-one",
    why: "a list of conditions is written whole, from a cache that lacks those of another controller",
    after: "operator-framework/java-operator-sdk#409, infinispan/infinispan-operator#2166",
    replicas: 2,
    workload: [defines, addsStore("db", { color: "red" }), setsStore("db", { color: "blue" })],
    oracles: [
      never("a condition is lost", (_, { previous, object }) => {
        const conditionsOf = (of: unknown): string => (of as { status?: { log?: string } })?.status?.log ?? "";
        const after = conditionsOf(object).split(" ");
        return conditionsOf(previous)
          .split(" ")
          .some((each) => each !== "" && !after.includes(each));
      }),
      sameEnd(),
      converges(),
      noHotLoop(),
    ],
    start: async (kit) => {
      const { client, isMended, name: own, clock } = kit;
      await follow(kit, [STORE], async (name, cached) => {
        if (own.endsWith("1")) await clock.sleep(100);
        const store = cached.store(name);
        if (store === undefined) return;
        const log = (store.status?.["log"] ?? "").split(" ").filter((each) => each !== "");
        if (log.includes(own)) return;
        const status = { log: [...log, own].sort().join(" ") };
        const { resourceVersion } = store.metadata!;
        const patch = isMended ? { metadata: { resourceVersion }, status } : { status };
        await client.patch(stores, name, NAMESPACE, patch, { subresource: "status" });
      });
    },
  },
];

/** Whether this one leads: the mended one asks its clock, and the other believes what it was told once. */
function electing(kit: Kit): () => boolean {
  const { client, clock, isMended, name: holderIdentity } = kit;
  let untilMs = -Infinity;
  let led = false;
  const step = async (): Promise<void> => {
    const sinceMs = clock.monotonicMs();
    const known = await client.find(leases, "operator", NAMESPACE);
    const isOver = clock.nowMs() - Date.parse(known?.spec?.renewTime ?? formatMicroTime(0)) > LEASE_MS;
    if (known !== undefined && known.spec?.holderIdentity !== holderIdentity && !isOver) return;
    const renewTime = formatMicroTime(clock.nowMs());
    const spec = { holderIdentity, leaseDurationSeconds: LEASE_MS / 1_000, renewTime };
    if (known === undefined)
      await client.create(leases, { metadata: { name: "operator", namespace: NAMESPACE }, spec });
    else await client.update(leases, { ...known, spec });
    untilMs = sinceMs + LEASE_MS - RENEW_MS;
    led = true;
  };
  const round = async (): Promise<void> => {
    try {
      await step();
    } catch {
      // Another one was faster, or the API is in trouble: the next round tells.
    }
    clock.after(RENEW_MS, () => void round());
  };
  clock.after(0, () => void round());
  return isMended ? () => clock.monotonicMs() < untilMs : () => led;
}
