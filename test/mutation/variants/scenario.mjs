/**
 * Mistakes that the simulation of the whole cluster must find by itself, each in a seed of `KEPT_SEEDS`. When the story or
 * the product has changed, another seed may be the first that finds one:
 *
 *     KEPT_SEEDS=20 node test/mutation/run.mjs NAME        tries the seeds 1 to 20 instead, and names the first
 */
const TESTS = ["test/simulation/cluster/kept-seeds.test.ts"];

const row = (name, file, find, replace, why, also = []) => ({ name, file, find, replace, why, also, tests: TESTS });

export const variants = [
  row(
    "story-old-versions-held-by-leases",
    "actors/etcd/core/mvcc/store.ts",
    `    this.addVersion(this.index.get(kv.key), kv, bytesOf(kv.value));\n  }`,
    `    this.addVersion(this.index.get(kv.key), kv, bytesOf(kv.value));\n    if (kv.lease !== "0") this.attach(kv);\n  }`,
    "a member that takes a snapshot holds keys by leases of old versions",
  ),
  row(
    "story-log-beyond-the-snapshot",
    "actors/etcd/core/wal/recovery.ts",
    `  if (replay.mark.index < snapshot.index) replay.goOnFrom(snapshot);\n`,
    ``,
    "a member killed as it takes a leader's snapshot comes back with a tail of another history",
  ),
  row(
    "story-lost-disk-votes",
    "actors/etcd/storage.ts",
    `if ((names.length === 0 && known) || log.isForgetful) return undefined;`,
    `if (log.isForgetful) return undefined;`,
    "a member whose disk was lost votes at once, and what was committed is decided anew",
  ),
  row(
    "story-forwarding-outlives-the-leader",
    "actors/etcd/member.ts",
    `    this.forwarding?.abort();\n    this.forwarding = undefined;\n`,
    ``,
    "writes wait for the call to a leader that is cut off, though there is another one",
  ),
  row(
    "story-claims-never-forgotten",
    "actors/api-server/mutation.ts",
    `has: (claim) => (this.taken.get(claim) ?? 0) > this.store.revision`,
    `has: (claim) => this.taken.has(claim)`,
    "an address that another server once gave out is refused for ever",
  ),
  row(
    "story-quorum-always-reached",
    "actors/api-server/core/quorum-contact.ts",
    `    if (this.silentTicks >= this.limits.cutOffTicks) return "cut-off";
    return this.silentTicks >= this.limits.lostTicks ? "lost" : "reached";`,
    `    return "reached";`,
    "an API server that is cut off from etcd says that it is ready",
  ),
  row(
    "story-recreate-lacks-all",
    "actors/controller-manager/core/deployment/rounding.ts",
    `return { maxSurge: 0, maxUnavailable: 0 };`,
    `return { maxSurge: 0, maxUnavailable: wanted(deployment) };`,
    "a Deployment that is recreated says that it is Available without a pod",
  ),
  row(
    "story-runtime-listed-too-early",
    "actors/kubelet/kubelet.ts",
    `    this.ctx.spawn(async () => {\n      await this.pods.whenSynced();\n`,
    `    this.ctx.spawn(async () => {\n`,
    "a kubelet holds its runtime's list until it knows its pods, and forgets what ends meanwhile",
    [
      [
        `        this.runtime.call("listContainers", null),\n`,
        `        this.runtime.call("listContainers", null),\n        this.pods.whenSynced(),\n`,
      ],
      [`withNews(containers.items, this.news)`, `withNews(containers.items, [])`],
    ],
  ),
  row(
    "story-own-wish-counts-as-served",
    "actors/kubelet/pod-runner.ts",
    `        this.observe(pod);\n        const isNewest`,
    `        if (!isNewerVersion(this.servedVersion, pod.metadata?.resourceVersion ?? "")) {
          this.served = { ...pod.status, ...wanted };
          this.servedVersion = pod.metadata?.resourceVersion ?? "";
        }
        const isNewest`,
    "a kubelet believes that what it wished is what the API server has, and leaves pods unready on a Ready node",
  ),
];
