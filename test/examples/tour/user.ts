/** The cluster as a user sees it from outside: HTTPS requests to its one address, and what its objects tell. */
import { request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster, Informer, KubernetesObject, Resource } from "../../../actors/cluster/index.ts";

/** What a user asks again after. */
const ASK_AGAIN_MS = 2;
const REQUEST_TIMEOUT_MS = 1_000;
/** Nothing of the tour takes longer, unless it is broken. */
const HEAL_TIMEOUT_MS = 30_000;

export class NotHealed extends Error {}

export class User {
  private readonly cluster: Cluster;

  constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  /** Asks until the API answers with success. */
  async untilAnswered(method: "GET" | "PATCH", path: string, body?: unknown): Promise<void> {
    const deadlineMs = performance.now() + HEAL_TIMEOUT_MS;
    let last = "";
    while (performance.now() < deadlineMs) {
      const outcome = await this.ask(method, path, body).catch((error: Error) => error.message);
      if (outcome === 200) return;
      last = String(outcome);
      await sleep(ASK_AGAIN_MS);
    }
    throw new NotHealed(`${method} ${path} was not answered within ${HEAL_TIMEOUT_MS} ms, but: ${last}`);
  }

  /** Each request on a connection of its own: it must find an API server that lives. */
  private ask(method: string, path: string, body: unknown): Promise<number> {
    return new Promise((resolve, reject) => {
      const outgoing = request(
        new URL(path, this.cluster.server),
        {
          method,
          agent: false,
          ca: this.cluster.authority,
          timeout: REQUEST_TIMEOUT_MS,
          headers: {
            authorization: `Bearer ${this.cluster.token}`,
            ...(body === undefined ? {} : { "content-type": "application/merge-patch+json" }),
          },
        },
        (answer) => {
          answer.resume();
          answer.on("error", reject);
          answer.on("end", () => resolve(answer.statusCode ?? 0));
        },
      );
      outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer within ${REQUEST_TIMEOUT_MS} ms`)));
      outgoing.on("error", reject);
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

/** A resource, kept up to date, that can be waited for. */
export class Watched<T extends KubernetesObject> {
  private readonly informer: Informer<T>;
  private readonly waiting = new Set<() => void>();

  constructor(cluster: Cluster, resource: Resource<T>, namespace: string) {
    this.informer = cluster.informer(resource, { namespace });
    this.informer.onChange(() => {
      for (const look of this.waiting) look();
    });
    this.informer.start();
  }

  list(): readonly T[] {
    return this.informer.list();
  }

  /** Resolves as soon as the objects are as `are` says. `what`: for the message when they never are. */
  until(what: string, are: (objects: readonly T[]) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(look);
        reject(new NotHealed(`not within ${HEAL_TIMEOUT_MS} ms: ${what}`));
      }, HEAL_TIMEOUT_MS);
      const look = (): void => {
        if (!this.informer.synced || !are(this.informer.list())) return;
        this.waiting.delete(look);
        clearTimeout(timer);
        resolve();
      };
      this.waiting.add(look);
      void this.informer.whenSynced().then(look);
    });
  }

  stop(): void {
    this.informer.stop();
  }
}
