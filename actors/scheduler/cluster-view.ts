/**
 * What a scheduling session follows of the cluster: nodes and pods it is told of, and what plugins look up besides is kept in
 * `objects`.
 */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import type { Node, Pod } from "../../protocols/kubernetes/types/core-v1.ts";
import type { LabelSelector } from "../../protocols/kubernetes/types/meta-v1.ts";
import type { Context } from "../../runtime/actor.ts";
import type { Client } from "../client/client.ts";
import type { Change } from "../client/informer.ts";
import { Informer } from "../client/informer.ts";
import type { Resource } from "../client/resources.ts";
import {
  csiNodes,
  namespaces,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  podDisruptionBudgets,
  pods,
  replicaSets,
  replicationControllers,
  services,
  statefulSets,
  storageClasses,
} from "../client/resources.ts";
import type { ClusterObjects } from "./core/cluster-objects.ts";

export interface ViewListeners {
  readonly onNode: (change: Change<Node>) => void;
  readonly onPod: (change: Change<Pod>) => void;
  /** An object of this resource is another now, so that what looks it up may find otherwise. */
  readonly onObject: (resource: string) => void;
  readonly onFault: (thrown: unknown, key: string) => void;
}

export class ClusterView {
  private readonly ctx: Context<unknown>;
  private readonly client: Client;
  private readonly onFault: ViewListeners["onFault"];
  private readonly informers: Informer<never>[] = [];

  constructor(ctx: Context<unknown>, client: Client, objects: ClusterObjects, listeners: ViewListeners) {
    this.ctx = ctx;
    this.client = client;
    this.onFault = listeners.onFault;
    this.follow(namespaces, onlyMeta, ({ name, gone, object }) => {
      if (objects.setNamespace(name, gone ? undefined : (object.metadata?.labels ?? {}))) {
        listeners.onObject(namespaces.resource);
      }
    });
    this.follow(services, withSpec("selector"), ({ name, namespace, gone, object }) =>
      objects.setService(namespace, name, gone ? undefined : object),
    );
    this.follow(replicationControllers, withSpec("selector"), ({ name, namespace, gone, object }) => {
      const matchLabels = object.spec?.selector;
      const selector: LabelSelector | undefined = gone || matchLabels === undefined ? undefined : { matchLabels };
      objects.setController("ReplicationController", namespace, name, selector);
    });
    this.follow(replicaSets, withSpec("selector"), ({ name, namespace, gone, object }) =>
      objects.setController("ReplicaSet", namespace, name, gone ? undefined : object.spec?.selector),
    );
    this.follow(statefulSets, withSpec("selector"), ({ name, namespace, gone, object }) =>
      objects.setController("StatefulSet", namespace, name, gone ? undefined : object.spec?.selector),
    );
    this.follow(podDisruptionBudgets, undefined, ({ name, namespace, gone, object }) =>
      objects.setBudget(namespace, name, gone ? undefined : object),
    );
    const { volumes } = objects;
    const told = ({ resource }: Resource): void => listeners.onObject(resource);
    this.follow(persistentVolumeClaims, undefined, ({ name, namespace, gone, object }) => {
      volumes.setClaim(`${namespace}/${name}`, gone ? undefined : object);
      told(persistentVolumeClaims);
    });
    this.follow(persistentVolumes, undefined, ({ name, gone, object }) => {
      volumes.setVolume(name, gone ? undefined : object);
      told(persistentVolumes);
    });
    this.follow(storageClasses, undefined, ({ name, gone, object }) => {
      volumes.setClass(name, gone ? undefined : object);
      told(storageClasses);
    });
    this.follow(csiNodes, undefined, ({ name, gone, object }) => {
      volumes.setCsiNode(name, gone ? undefined : object);
      told(csiNodes);
    });
    this.inform(nodes, undefined).onChange(listeners.onNode);
    this.inform(pods, undefined).onChange(listeners.onPod);
  }

  start(): void {
    for (const informer of this.informers) informer.start();
  }

  async whenSynced(): Promise<void> {
    await Promise.all(this.informers.map((informer) => informer.whenSynced()));
  }

  stop(): void {
    for (const informer of this.informers) informer.stop();
  }

  private follow<T extends KubernetesObject>(
    resource: Resource<T>,
    trim: ((object: T) => T) | undefined,
    set: (told: {
      readonly name: string;
      readonly namespace: string;
      readonly gone: boolean;
      readonly object: T;
    }) => void,
  ): void {
    this.inform(resource, trim).onChange(({ type, object }) => {
      const { name = "", namespace = "" } = object.metadata ?? {};
      set({ name, namespace, gone: type === "deleted", object });
    });
  }

  private inform<T extends KubernetesObject>(resource: Resource<T>, trim: ((object: T) => T) | undefined): Informer<T> {
    const informer = new Informer(this.ctx, this.client, resource, {}, trim, this.onFault);
    this.informers.push(informer as unknown as Informer<never>);
    return informer;
  }
}

function onlyMeta<T extends KubernetesObject>({ metadata = {} }: T): T {
  const { name, namespace, uid, resourceVersion, labels } = metadata;
  return { metadata: { name, namespace, uid, resourceVersion, labels } } as T;
}

/** Besides what it is called, nothing but this field of its `spec`. */
function withSpec<T extends KubernetesObject & { readonly spec?: object }>(field: string): (object: T) => T {
  return (object) => ({ ...onlyMeta(object), spec: { [field]: (object.spec as Record<string, unknown>)[field] } });
}
