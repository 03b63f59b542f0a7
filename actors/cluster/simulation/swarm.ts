/**
 * What a seed's story is made of. Half of the seeds have everything; in the others each feature is left out by chance,
 * because one that is often there hides what happens without it.
 *
 * @see Groce et al., "Swarm Testing" (ISSTA 2012)
 */
import type { Random } from "../../../runtime/random.ts";
import { SeededRandom } from "../../../runtime/random.ts";
import type { ApiServerOptions } from "../../api-server/spec.ts";
import type { EtcdOptions } from "../../etcd/spec.ts";

export const FEATURES = [
  // What goes on.
  "history",
  "leases",
  "services",
  "rollouts",
  "tasks",
  "debuggers",
  // What goes wrong.
  "kills",
  "hangs",
  "partitions",
  "cut-off-leader",
  "cut-off-api-server",
  "deaf-kubelet",
  "lost-node",
  "lost-disk",
  "flipped-bits",
] as const;
export type Feature = (typeof FEATURES)[number];

export interface Swarm {
  readonly features: ReadonlySet<Feature>;
  readonly etcd: Partial<EtcdOptions>;
  readonly apiServer: Partial<ApiServerOptions>;
}

/** Depends on the seed alone. */
export function drawSwarm(seed: number): Swarm {
  const random = new SeededRandom(seed, "swarm");
  const everything = random.below(2) === 0;
  const chosen = FEATURES.filter(() => random.below(2) === 0);
  const etcd = {
    snapshotEntries: one(random, [25, 40, 100, 300]),
    catchUpEntries: one(random, [1, 3, 10, 100]),
    autoCompactionRevisions: one(random, [0, 50, 500]),
    batchBytesMax: one(random, [1, 1_024, 1_048_576]),
    segmentBytes: one(random, [4_096, 65_536, 1_048_576]),
  };
  const apiServer = {
    compactionMs: one(random, [5_000, 20_000, 60_000]),
    eventTtlSeconds: one(random, [1, 20, 60]),
    bookmarkMs: one(random, [2_000, 60_000]),
  };
  return {
    features: new Set(everything ? FEATURES : chosen),
    // With 1,024 a member that was away for a moment needs a snapshot.
    etcd: { ...etcd, catchUpBytes: one(random, [1_024, 65_536, 4_194_304]) },
    apiServer,
  };
}

/** By name, in the order of `FEATURES`. */
export function describeFeatures(features: ReadonlySet<Feature>): string {
  if (features.size === FEATURES.length) return "all features";
  return features.size === 0 ? "no features" : [...features].join(", ");
}

/** With the story's own limits, in a line. */
export function describeSwarm({ features, etcd, apiServer }: Swarm): string {
  const limits = Object.entries({ ...etcd, ...apiServer }).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return `${describeFeatures(features)}; ${limits.join(", ")}`;
}

export function one<T>(random: Random, choices: readonly T[]): T {
  return choices[random.below(choices.length)]!;
}
