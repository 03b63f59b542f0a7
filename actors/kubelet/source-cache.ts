/**
 * The ConfigMaps and Secrets that pods of this node refer to, each followed by a watch of its own as long as a pod needs it:
 * a kubelet sees no others.
 */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { ConfigMap, Pod, Secret } from "../../protocols/kubernetes/types/core-v1.ts";
import type { Context } from "../../runtime/actor.ts";
import type { Client } from "../client/client.ts";
import { Informer } from "../client/informer.ts";
import type { Resource } from "../client/resources.ts";
import { configMaps, secrets } from "../client/resources.ts";
import type { Objects } from "./core/sources.ts";
import { referencesOf } from "./core/sources.ts";

/** How long a pod's step waits for its objects before it is tried anew. An API server's restart takes a fraction of it. */
const SYNC_TIMEOUT_MS = 10_000;

interface Followed<T extends KubernetesObject> {
  readonly informer: Informer<T>;
  readonly pods: Set<string>;
}

export class SourceCache {
  private readonly ctx: Context<unknown>;
  private readonly client: Client;
  private readonly onChange: (podUids: readonly string[]) => void;
  private readonly configMaps = new Map<string, Followed<ConfigMap>>();
  private readonly secrets = new Map<string, Followed<Secret>>();

  /** `onChange` is called with the pods that refer to an object that has changed. */
  constructor(ctx: Context<unknown>, client: Client, onChange: (podUids: readonly string[]) => void) {
    this.ctx = ctx;
    this.client = client;
    this.onChange = onChange;
  }

  /** Objects that are followed. */
  get size(): number {
    return this.configMaps.size + this.secrets.size;
  }

  /** The objects of a pod, once they were read. */
  async of(pod: Pod): Promise<Objects> {
    const { uid = "", namespace = "" } = pod.metadata ?? {};
    const names = referencesOf(pod);
    const followed = [
      ...names.configMaps.map((name) => this.follow(this.configMaps, configMaps, namespace, name, uid)),
      ...names.secrets.map((name) => this.follow(this.secrets, secrets, namespace, name, uid)),
    ];
    for (const informer of followed) if (!informer.synced) await this.synced(informer);
    return {
      configMap: (name) => this.configMaps.get(`${namespace}/${name}`)?.informer.get(name, namespace),
      secret: (name) => this.secrets.get(`${namespace}/${name}`)?.informer.get(name, namespace),
    };
  }

  /** Not for ever: what waits holds up the end of its pod. */
  private synced(informer: Informer<KubernetesObject>): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = new InkubeError("NOT_SYNCED", "failed to sync the pod's ConfigMaps and Secrets: timed out", {
        retryable: true,
      });
      const timer = this.ctx.clock.after(SYNC_TIMEOUT_MS, () => reject(late));
      void informer.whenSynced().then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  /** The pod needs nothing any more. */
  release(podUid: string): void {
    this.releaseFrom(this.configMaps, podUid);
    this.releaseFrom(this.secrets, podUid);
  }

  private follow<T extends KubernetesObject>(
    table: Map<string, Followed<T>>,
    resource: Resource<T>,
    namespace: string,
    name: string,
    podUid: string,
  ): Informer<KubernetesObject> {
    const key = `${namespace}/${name}`;
    let followed = table.get(key);
    if (followed === undefined) {
      const informer = new Informer(this.ctx, this.client, resource, {
        namespace,
        fieldSelector: `metadata.name=${name}`,
      });
      const pods = new Set<string>();
      informer.onChange(() => {
        if (informer.synced) this.onChange([...pods]);
      });
      informer.start();
      followed = { informer, pods };
      table.set(key, followed);
    }
    followed.pods.add(podUid);
    return followed.informer as unknown as Informer<KubernetesObject>;
  }

  private releaseFrom<T extends KubernetesObject>(table: Map<string, Followed<T>>, podUid: string): void {
    for (const [key, { informer, pods }] of table) {
      if (!pods.delete(podUid) || pods.size > 0) continue;
      informer.stop();
      table.delete(key);
    }
  }
}
