/** Clients of the API that create, update, read, delete and watch ConfigMaps, and note what they were told. */
import type {
  ApiServerMethods,
  ApiTarget,
  KubernetesList,
  KubernetesObject,
  ListOptions,
} from "../../../protocols/api-server.ts";
import { apiServerProtocol, hasReason, statusOf } from "../../../protocols/api-server.ts";
import { hasCode } from "../../../protocols/errors.ts";
import type { ConfigMap } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { Ref } from "../../../runtime/actor.ts";
import type { Random } from "../../../runtime/random.ts";
import { broken } from "./checks/broken.ts";
import { ClientHistory } from "./checks/client-history.ts";
import { checkFinalizers } from "./checks/finalizers.ts";
import type { List } from "./checks/list-history.ts";
import { checkList } from "./checks/list-history.ts";
import { Replay } from "./checks/replay.ts";
import { WatchHistory } from "./checks/watch-history.ts";
import type { EtcdGroup } from "./etcd-group.ts";
import type { Observer } from "./observer.ts";
import { objectOf } from "./observer.ts";
import { one } from "./swarm.ts";
import { API_SERVER_DEFAULTS } from "../../api-server/spec.ts";

const CLIENTS = 2;
const WATCHES = 2;
const NAMES = ["history-a", "history-b", "history-c"];
const FINALIZERS = ["inkube.dev/first", "inkube.dev/second"];
const PREFIX = "/registry/configmaps/default/";
const PACE: ApiPace = { pauseMs: 800, historyMin: API_SERVER_DEFAULTS.historyMin };
/** How far back a list of one revision goes. */
const BACK_MAX = 12;
const TIMEOUT_MS = 4_000;
const REOPEN_MS = 100;
const DELETE_EACH = 6;
/** How long a watch may take to what has been written when nothing is broken any more. */
const CATCH_UP_MS = 10_000;
const LOOK_MS = 50;

/** Where API servers are in a simulation. */
export interface ApiGroup extends EtcdGroup {
  /** Names of their actors. */
  readonly apiServers: readonly string[];
}

export interface ApiPace {
  /** The longest between two requests of a client. */
  readonly pauseMs: number;
  /** Changes of a resource that each server keeps at least. */
  readonly historyMin: number;
  /** How long a watcher may be away before it goes on from where it was: changes that are forgotten by then are missed. Default 0. */
  readonly awayMs?: number;
  /** Of so many writes of what is there one deletes it. Default 6. */
  readonly deleteEach?: number;
}

export class ApiClients {
  private readonly history = new ClientHistory();
  private readonly lists: List[] = [];
  private readonly watches: WatchHistory[] = [];
  private readonly cluster: ApiGroup;
  private readonly pace: ApiPace;
  private readonly observer: Observer;
  private readonly random: Random;
  private isOver = false;
  private written = 0;
  private readonly working = new Set<Promise<void>>();

  constructor(cluster: ApiGroup, observer: Observer, pace: ApiPace = PACE) {
    this.cluster = cluster;
    this.pace = pace;
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
      await this.until(`a watch of ConfigMaps comes from ${watch.last} to ${newest}`, () => watch.last >= newest);
    }
    await this.until("the observer comes to what the watches told", () =>
      this.watches.every(({ last }) => last <= log.revision),
    );
    const replay = new Replay(log);
    for (const watch of this.watches) watch.check(log, replay);
    for (const list of this.lists) checkList(list, PREFIX, replay);
    checkFinalizers(PREFIX, replay, objectOf);
  }

  private async until(what: string, isMet: () => boolean): Promise<void> {
    const { host } = this.cluster;
    const endMs = host.nowMs + CATCH_UP_MS;
    while (!isMet()) {
      if (host.nowMs > endMs) throw broken(`not within ${CATCH_UP_MS} ms: ${what}`);
      await host.context.clock.sleep(LOOK_MS);
    }
  }

  private async goOn(client: string): Promise<void> {
    while (!this.isOver) {
      const server = one(this.random, this.cluster.apiServers);
      if (this.random.below(4) === 0) await this.list(client, server);
      else await this.step(client, one(this.random, NAMES), server);
      await this.cluster.host.context.clock.sleep(this.random.below(this.pace.pauseMs));
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

  /** In each way in which a revision can be asked for; what is refused says nothing. */
  private async list(client: string, server: string): Promise<void> {
    const { log } = this.observer;
    const newest = Math.max(this.history.floor, log.revision);
    const past = Math.max(1, newest - this.random.below(BACK_MAX));
    const [asked, options, floor, exact] = one(this.random, [
      ["the newest", {}, newest, undefined],
      ["whatever is there", { resourceVersion: "0" }, 0, undefined],
      [
        `not older than ${newest}`,
        { resourceVersion: String(newest), resourceVersionMatch: "NotOlderThan" },
        newest,
        undefined,
      ],
      [`exactly ${past}`, { resourceVersion: String(past), resourceVersionMatch: "Exact" }, past, past],
      ["the newest in pages", { limit: 1 }, newest, undefined],
    ] as const satisfies readonly (readonly [string, ListOptions, number, number | undefined])[]);
    const revisions: number[] = [];
    const items: (readonly [string, number])[] = [];
    try {
      for (let next: ListOptions | undefined = options; next !== undefined;) {
        const request = { verb: "list", target: target(undefined), options: next } as const;
        const { object } = await this.ref(server).call("request", request, { timeoutMs: TIMEOUT_MS });
        const page = object as KubernetesList;
        revisions.push(revisionOf(page));
        for (const item of page.items) items.push([keyOf(item), revisionOf(item)]);
        next = page.metadata.continue ? { limit: 1, continue: page.metadata.continue } : undefined;
        if (next !== undefined) await this.cluster.host.context.clock.sleep(this.random.below(this.pace.pauseMs));
      }
    } catch (error) {
      if (!hasCode(error)) throw error;
      return;
    }
    this.lists.push({ client, server, asked, floor, revisions, items, ...(exact === undefined ? {} : { exact }) });
  }

  private async write(client: string, name: string, found: ConfigMap | undefined): Promise<void> {
    const ref = this.ref(one(this.random, this.cluster.apiServers));
    const key = PREFIX + name;
    const value = `v${this.written++}`;
    const { floor } = this.history;
    const object = { apiVersion: "v1", kind: "ConfigMap", ...found, data: { value } };
    const isDeleted = found?.metadata?.deletionTimestamp !== undefined;
    // One of them alone, or both.
    const held = this.random.below(3) === 0 ? { finalizers: FINALIZERS.slice(this.written % 2) } : {};
    const metadata = isDeleted
      ? { ...found.metadata, finalizers: (found.metadata?.finalizers ?? []).slice(1) }
      : (found?.metadata ?? { name, namespace: "default", ...held });
    const expected = found === undefined ? 0 : revisionOf(found);
    try {
      if (found !== undefined && !isDeleted && this.random.below(this.pace.deleteEach ?? DELETE_EACH) === 0) {
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
      // What lets go of the last finalizer is written nowhere.
      const isGone = isDeleted && metadata.finalizers?.length === 0;
      const { data, metadata: told } = answer.object as ConfigMap;
      const isChanged = data?.["value"] !== value || told?.deletionTimestamp !== undefined;
      const isLater = isGone || (verb === "create" && isChanged);
      const outcome = isLater ? "unknown" : revisionOf(answer.object);
      this.history.wrote({ client, key, value, expected, floor, outcome });
    } catch (error) {
      if (!hasCode(error)) throw error;
      // A Conflict may be the server's own earlier try, whose answer was lost.
      this.history.wrote({ client, key, value, expected, floor, outcome: "unknown" });
    }
  }

  /** Lists when it must, then watches from there; goes on where one fails, there or at another server. */
  private watch(history: WatchHistory, at: number): void {
    const { context } = this.cluster.host;
    context.spawn(async () => {
      const server = this.cluster.apiServers[at % this.cluster.apiServers.length]!;
      const goOn = (): void =>
        void context.clock.after(REOPEN_MS, () => this.watch(history, at + this.random.below(2)));
      const { awayMs = 0 } = this.pace;
      const loads = this.observer.loadsOf(server);
      if (history.last === 0) {
        try {
          const request = { verb: "list", target: target(undefined) } as const;
          const { object } = await this.ref(server).call("request", request, { timeoutMs: TIMEOUT_MS });
          const listed = (object as KubernetesList).items.map((item) => [keyOf(item), revisionOf(item)] as const);
          history.begins(server, loads, revisionOf(object), new Map(listed));
        } catch (error) {
          if (!hasCode(error)) throw error;
          return goOn();
        }
      }
      if (awayMs > 0 && this.random.below(2) === 0) await context.clock.sleep(this.random.below(awayMs));
      this.ref(server).stream(
        "watch",
        { target: target(undefined), resourceVersion: String(history.last) },
        {
          next: ({ type, object }) => {
            if (type === "BOOKMARK") history.marks(revisionOf(object));
            else history.tells({ type, key: keyOf(object), revision: revisionOf(object) });
          },
          end: (error) => {
            if (statusOf(error)?.code === 410) {
              history.expires(server, this.observer.loadsOf(server), this.pace.historyMin, this.observer.log);
              history.forget();
            }
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

function keyOf({ metadata }: KubernetesObject): string {
  return PREFIX + (metadata?.name ?? "");
}
