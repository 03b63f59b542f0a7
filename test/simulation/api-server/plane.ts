/** Three API servers in front of three etcd members, on virtual time. */
import { apiServerActor } from "../../../actors/api-server/api-server.ts";
import type { OpenDoor } from "../../../actors/api-server/backend.ts";
import { noDoor } from "../../../actors/api-server/backend.ts";
import { API_SERVER_DEFAULTS } from "../../../actors/api-server/spec.ts";
import { etcdActor } from "../../../actors/etcd/etcd.ts";
import { ETCD_DEFAULTS } from "../../../actors/etcd/spec.ts";
import { SimulationHost } from "../../../runtime/simulation/simulation-host.ts";
import type { ChildSpec } from "../../../runtime/supervisor/spec.ts";
import { watchCrashes } from "../../fixtures/watch-crashes.ts";
import { BACKOFF, SHUTDOWN_MS, START_TIMEOUT_MS } from "../../../runtime/supervisor/spec.ts";

const MASTERS = [0, 1, 2];
export const ETCD: readonly string[] = MASTERS.map((index) => `etcd-${index}`);
export const SERVERS: readonly string[] = MASTERS.map((index) => `api-server-${index}`);

/** `names` with the one at `index` first. */
export function rotated(names: readonly string[], index: number): readonly string[] {
  return [...names.slice(index), ...names.slice(0, index)];
}

export function plane(seed: number, openDoor: OpenDoor = noDoor): SimulationHost {
  const base = { restart: "permanent", shutdownMs: SHUTDOWN_MS, startTimeoutMs: START_TIMEOUT_MS } as const;
  const children: ChildSpec[] = [
    ...ETCD.map((name) => ({
      ...base,
      name,
      actor: "etcd",
      options: { ...ETCD_DEFAULTS, name, members: ETCD },
      links: ETCD.filter((other) => other !== name),
    })),
    ...SERVERS.map((name, index) => ({
      ...base,
      name,
      actor: "api-server",
      options: {
        ...API_SERVER_DEFAULTS,
        members: rotated(ETCD, index),
        tokens: [],
        kubeletToken: "",
        replayRevisions: 50,
      },
      links: ETCD,
    })),
  ];
  return watchCrashes(
    new SimulationHost({
      seed,
      spec: {
        name: "root",
        strategy: "one_for_one",
        intensity: { restarts: 1_000, periodMs: 1_000 },
        backoff: BACKOFF,
        startInParallel: true,
        children,
      },
      definitions: { etcd: etcdActor, "api-server": apiServerActor(openDoor) },
      embedder: { name: "cluster", links: [...SERVERS, ...ETCD] },
    }),
  );
}
