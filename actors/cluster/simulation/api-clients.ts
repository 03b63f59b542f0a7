/** Clients of the API that create, update, read, delete and watch ConfigMaps, and note what they were told. */
import type { ApiServerMethods, ApiTarget, KubernetesObject } from "../../../protocols/api-server.ts";
import { apiServerProtocol, hasReason, statusOf } from "../../../protocols/api-server.ts";
import { hasCode } from "../../../protocols/errors.ts";
import type { ConfigMap } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { Ref } from "../../../runtime/actor.ts";
import type { Random } from "../../../runtime/random.ts";
import { ClientHistory } from "./checks/client-history.ts";
import { WatchHistory } from "./checks/watch-history.ts";
import type { Observer } from "./observer.ts";
import { objectOf } from "./observer.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";
import { one } from "./swarm.ts";

const CLIENTS = 2;
const WATCHES = 2;
const NAMES = ["history-a", "history-b"];
const PREFIX = "/registry/configmaps/default/";
const PAUSE_MS = 800;
const TIMEOUT_MS = 4_000;
const REOPEN_MS = 100;
/** How long a watch may take to what has been written when nothing is broken any more. */
const CATCH_UP_MS = 10_000;

export class ApiClients {
  private readonly history = new ClientHistory();
  private readonly watches: WatchHistory[] = [];
  private readonly cluster: SimulatedCluster;
  private readonly observer: Observer;
  private readonly random: Random;
  private isOver = false;
  private written = 0;
  private readonly working = new Set<Promise<void>>();

  constructor(cluster: SimulatedCluster, observer: Observer) {
    this.cluster = cluster;
    this.observer = observer;
    this.random = cluster.host.world.random("api-clients");
  }

  start(): void {
    for (let index = 0; index < CLIENTS; index++) {
      const work = this.goOn(`api-client-${index}`);
      this.working.add(work);
      this.cluster.host.context.spawn(() => work);
    }
    for (let index = 0; index < WATCHES; index++) {
      const history = new WatchHistory(PREFIX);
      this.watches.push(history);
      this.watch(history, index);
    }
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.working);
  }

  /** Errors: PROMISE_BROKEN. */
  async check(): Promise<void> {
    const { log } = this.observer;
    this.history.check(log, (bytes) => (objectOf(bytes) as ConfigMap | undefined)?.data?.["value"]);
    const changes = log.changesBelow(PREFIX, 0, log.revision);
    const newest = changes.at(-1) ?? 0;
    for (const watch of this.watches) {
      await this.cluster.until(`a watch of ConfigMaps comes from ${watch.last} to ${newest}`, CATCH_UP_MS, () =>
        Promise.resolve(watch.last >= newest),
      );
      watch.check(log);
    }
  }

  private async goOn(client: string): Promise<void> {
    while (!this.isOver) {
      await this.step(client, one(this.random, NAMES), one(this.random, this.cluster.apiServers));
      await this.cluster.clock.sleep(this.random.below(PAUSE_MS));
    }
  }

  private async step(client: string, name: string, server: string): Promise<void> {
    const ref = this.ref(server);
    const key = PREFIX + name;
    const { floor } = this.history;
    let found: ConfigMap | undefined;
    try {
      const { object } = await ref.call("request", { verb: "get", target: target(name) }, { timeoutMs: TIMEOUT_MS });
      found = object as ConfigMap;
      this.history.read({ client, key, floor, revision: revisionOf(object), value: found.data?.["value"] });
    } catch (error) {
      if (!hasCode(error)) throw error;
      if (!hasReason(error, "NotFound")) return;
      this.history.read({ client, key, floor, revision: 0, value: undefined });
    }
    if (this.random.below(3) === 0) return;
    await this.write(client, name, found);
  }

  private async write(client: string, name: string, found: ConfigMap | undefined): Promise<void> {
    const ref = this.ref(one(this.random, this.cluster.apiServers));
    const key = PREFIX + name;
    const value = `v${this.written++}`;
    const { floor } = this.history;
    const object = { apiVersion: "v1", kind: "ConfigMap", ...found, data: { value } };
    const metadata = found?.metadata ?? { name, namespace: "default" };
    const expected = found === undefined ? 0 : revisionOf(found);
    try {
      if (found !== undefined && this.random.below(6) === 0) {
        const preconditions = { resourceVersion: String(expected) };
        const request = { verb: "delete", target: target(name), options: { preconditions } } as const;
        await ref.call("request", request, { timeoutMs: TIMEOUT_MS });
        return;
      }
      const verb = found === undefined ? "create" : "update";
      const place = target(found === undefined ? undefined : name);
      const request = { verb, target: place, object: { ...object, metadata } as KubernetesObject } as const;
      const answer = await ref.call("request", request, { timeoutMs: TIMEOUT_MS });
      // A server that finds its own create done, by a try whose answer was lost, answers with what has become of it since.
      const isLater = verb === "create" && (answer.object as ConfigMap).data?.["value"] !== value;
      const outcome = isLater ? "unknown" : revisionOf(answer.object);
      this.history.wrote({ client, key, value, expected, floor, outcome });
    } catch (error) {
      if (!hasCode(error)) throw error;
      // A Conflict may be the server's own earlier try, whose answer was lost.
      this.history.wrote({ client, key, value, expected, floor, outcome: "unknown" });
    }
  }

  /** Lists when it must, then watches from there; goes on at another server where one fails. */
  private watch(history: WatchHistory, at: number): void {
    this.cluster.host.context.spawn(async () => {
      const server = this.cluster.apiServers[at % this.cluster.apiServers.length]!;
      const goOn = (): void => void this.cluster.clock.after(REOPEN_MS, () => this.watch(history, at + 1));
      if (history.last === 0) {
        try {
          const { object } = await this.ref(server).call(
            "request",
            { verb: "list", target: target(undefined) },
            { timeoutMs: TIMEOUT_MS },
          );
          history.begins(server, revisionOf(object));
        } catch (error) {
          if (!hasCode(error)) throw error;
          return goOn();
        }
      }
      this.ref(server).stream(
        "watch",
        { target: target(undefined), resourceVersion: String(history.last) },
        {
          next: ({ type, object }) => history.tells(revisionOf(object), type === "BOOKMARK"),
          end: (error) => {
            if (statusOf(error)?.code === 410) history.begins(server, 0);
            goOn();
          },
        },
      );
    });
  }

  private ref(server: string): Ref<ApiServerMethods> {
    return this.cluster.host.context.ref(apiServerProtocol, server);
  }
}

function target(name: string | undefined): ApiTarget {
  const all = { group: "", version: "v1", resource: "configmaps", namespace: "default" };
  return name === undefined ? all : { ...all, name };
}

function revisionOf(object: KubernetesObject): number {
  return Number(object.metadata?.resourceVersion ?? 0);
}
