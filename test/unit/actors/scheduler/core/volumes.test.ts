/** What claims and their volumes mean for where a pod goes. The messages are those of kube-scheduler 1.37. */
import { describe, expect, it } from "vitest";
import { decidedOf } from "../../../../../actors/scheduler/core/plugins/volume-binding.ts";
import { SchedulingWorld } from "../../../../fixtures/scheduling.ts";
import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
} from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { StorageClass } from "../../../../../protocols/kubernetes/types/storage-v1.ts";

type ClaimSpec = NonNullable<PersistentVolumeClaim["spec"]>;
type VolumeSpec = NonNullable<PersistentVolume["spec"]>;

const node = (name: string, labels: Readonly<Record<string, string>> = {}): Node => ({
  metadata: { name, labels: { "kubernetes.io/hostname": name, ...labels } },
  status: { allocatable: { cpu: "4", memory: "8Gi", pods: "110" } },
});
const pod = (name: string, ...claims: readonly string[]): Pod => ({
  metadata: { name, namespace: "n", uid: name },
  spec: {
    containers: [{ name: "c" }],
    volumes: claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
  },
});
const onNode = (name: string): NonNullable<VolumeSpec["nodeAffinity"]> => ({
  required: {
    nodeSelectorTerms: [{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [name] }] }],
  },
});

class World {
  readonly world = new SchedulingWorld();

  constructor(...nodes: readonly Node[]) {
    for (const one of nodes) this.world.cache.setNode(one);
    this.storageClass("late", { volumeBindingMode: "WaitForFirstConsumer" });
    this.storageClass("made", { volumeBindingMode: "WaitForFirstConsumer", provisioner: "example.com/disk" });
  }

  storageClass(name: string, more: Partial<StorageClass>): this {
    const one = { metadata: { name }, provisioner: "kubernetes.io/no-provisioner", ...more };
    this.world.objects.volumes.setClass(name, one);
    return this;
  }

  claim(name: string, spec: Partial<ClaimSpec>, more: Partial<PersistentVolumeClaim> = {}): this {
    const metadata = { namespace: "n", name, uid: `uid of ${name}`, ...more.metadata };
    const whole = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec } as const;
    this.world.objects.volumes.setClaim(`n/${name}`, { ...more, metadata, spec: whole });
    return this;
  }

  bound(
    name: string,
    spec: Partial<VolumeSpec> = {},
    more: Partial<PersistentVolume> = {},
    modes: ClaimSpec["accessModes"] = ["ReadWriteOnce"],
  ): this {
    const annotations = { "pv.kubernetes.io/bind-completed": "yes" };
    this.claim(
      name,
      { volumeName: `v-${name}`, accessModes: modes ?? [] },
      { metadata: { namespace: "n", name, uid: `uid of ${name}`, annotations } },
    );
    return this.volume(
      `v-${name}`,
      { claimRef: { namespace: "n", name }, ...spec },
      { ...more, status: { phase: "Bound" } },
    );
  }

  volume(name: string, spec: Partial<VolumeSpec> = {}, more: Partial<PersistentVolume> = {}): this {
    const whole = { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], ...spec } as const;
    this.world.objects.volumes.setVolume(name, {
      status: { phase: "Available" },
      ...more,
      metadata: { name, ...more.metadata },
      spec: whole,
    });
    return this;
  }

  place(wanted: Pod): string {
    const decision = this.world.decide(wanted);
    return decision.node ?? decision.message.replace(/\. preemption: .*|\. not found$/, "");
  }
}

describe("a pod with claims", () => {
  const none = (why: string): string => `0/2 nodes are available: ${why}`;
  const cases: readonly (readonly [string, (world: World) => World, string])[] = [
    ["waits for a claim that is not there", (world) => world, none('persistentvolumeclaim "a" not found')],
    [
      "waits for a claim that is bound at once",
      (world) => world.claim("a", { storageClassName: "x" }),
      none("pod has unbound immediate PersistentVolumeClaims"),
    ],
    [
      "uses no claim that goes",
      (world) =>
        world.claim(
          "a",
          {},
          { metadata: { namespace: "n", name: "a", uid: "u", deletionTimestamp: "2026-01-01T00:00:00Z" } },
        ),
      none('persistentvolumeclaim "a" is being deleted'),
    ],
    [
      "uses no claim that is lost",
      (world) => world.claim("a", { volumeName: "v" }, { status: { phase: "Lost" } }),
      none('persistentvolumeclaim "a" bound to non-existent persistentvolume "v"'),
    ],
    ["goes where its volume is", (world) => world.bound("a", { nodeAffinity: onNode("two") }), "two"],
    [
      "goes nowhere, where its volume is nowhere",
      (world) => world.bound("a", { nodeAffinity: onNode("three") }),
      none("2 node(s) didn't match PersistentVolume's node affinity"),
    ],
    [
      "goes where a volume for its claim is",
      (world) =>
        world
          .claim("a", { storageClassName: "late" })
          .volume("v", { storageClassName: "late", nodeAffinity: onNode("two") }),
      "two",
    ],
    [
      "goes nowhere, where there is none and nobody makes one",
      (world) => world.claim("a", { storageClassName: "late" }),
      none("2 node(s) didn't find available persistent volumes to bind"),
    ],
    [
      "goes where its volume may be made",
      (world) =>
        world
          .storageClass("made", {
            volumeBindingMode: "WaitForFirstConsumer",
            provisioner: "p",
            allowedTopologies: [{ matchLabelExpressions: [{ key: "topology.kubernetes.io/zone", values: ["b"] }] }],
          })
          .claim("a", { storageClassName: "made" }),
      "two",
    ],
    [
      "goes where its volume is being made",
      (world) =>
        world.claim(
          "a",
          { storageClassName: "made" },
          {
            metadata: {
              namespace: "n",
              name: "a",
              uid: "u",
              annotations: { "volume.kubernetes.io/selected-node": "two" },
            },
          },
        ),
      "two",
    ],
    [
      "goes to the zone of its volume",
      (world) => world.bound("a", {}, { metadata: { labels: { "topology.kubernetes.io/zone": "b" } } }),
      "two",
    ],
    [
      "goes to no other zone",
      (world) => world.bound("a", {}, { metadata: { labels: { "topology.kubernetes.io/zone": "c__d" } } }),
      none("2 node(s) had no available volume zone"),
    ],
  ];
  it.each(cases)("%s", (_name, prepare, expected) => {
    const world = prepare(
      new World(
        node("one", { "topology.kubernetes.io/zone": "a" }),
        node("two", { "topology.kubernetes.io/zone": "b" }),
      ),
    );
    expect(world.place(pod("p", "a"))).toBe(expected);
  });

  it("shares no claim that is for one pod at a time", () => {
    const world = new World(node("one")).bound("a", {}, {}, ["ReadWriteOncePod"]);
    expect(world.place(pod("first", "a"))).toBe("one");
    world.world.cache.setPod({
      ...pod("first", "a"),
      spec: { containers: [], ...pod("first", "a").spec, nodeName: "one" },
    });
    expect(world.place(pod("second", "a"))).toBe(
      "0/1 nodes are available: 1 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod",
    );
  });

  it("goes to no node that has as many volumes of the driver as it takes", () => {
    const csi = (volumeHandle: string): Partial<VolumeSpec> => ({ csi: { driver: "d", volumeHandle } });
    const world = new World(node("one")).bound("a", csi("1")).bound("b", csi("2")).bound("same", csi("1"));
    const drivers = [{ name: "d", nodeID: "one", allocatable: { count: 1 } }];
    world.world.objects.volumes.setCsiNode("one", { metadata: { name: "one" }, spec: { drivers } });
    world.world.cache.setPod({
      ...pod("first", "a"),
      spec: { containers: [], ...pod("first", "a").spec, nodeName: "one" },
    });
    expect(world.place(pod("second", "b"))).toBe("0/1 nodes are available: 1 node(s) exceed max volume count");
    expect(world.place(pod("third", "same"))).toBe("one");
  });

  it("gives one volume to one claim, also before anybody has confirmed it", () => {
    const world = new World(node("one"))
      .claim("a", { storageClassName: "late" })
      .claim("b", { storageClassName: "late" });
    world.volume("v", { storageClassName: "late" });
    const { profileOf, world: inner } = { profileOf: (of: Pod) => world.world.profileOf(of), world: world.world };
    const decision = inner.decide(pod("first", "a"));
    if (decision.node === undefined) throw new Error(decision.message);
    for (const plugin of profileOf(pod("first")).plugins.reserve)
      plugin.reserve(decision.state, {} as never, decision.node);
    expect(decidedOf(decision.state, "one")?.bindings.bind.map(({ volume }) => volume.metadata?.name)).toEqual(["v"]);
    expect(world.place(pod("second", "b"))).toBe(
      "0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind",
    );
    for (const plugin of profileOf(pod("first")).plugins.reserve)
      plugin.unreserve?.(decision.state, {} as never, decision.node);
    expect(world.place(pod("second", "b"))).toBe("one");
  });

  it("needs a volume for each of its claims", () => {
    const world = new World(node("one"))
      .claim("a", { storageClassName: "late" })
      .claim("b", { storageClassName: "late" });
    world.volume("v", { storageClassName: "late" });
    expect(world.place(pod("p", "a", "b"))).toBe(
      "0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind",
    );
    world.volume("w", { storageClassName: "late" });
    expect(world.place(pod("p", "a", "b"))).toBe("one");
  });
});
