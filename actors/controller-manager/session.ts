/**
 * What all controllers share from the moment this manager leads until it stops leading: one informer a resource, one
 * client, one recorder. Local copies live and die with the session.
 */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  ReplicaSet,
  StatefulSet,
} from "../../protocols/kubernetes/types/apps-v1.ts";
import type { HorizontalPodAutoscaler } from "../../protocols/kubernetes/types/autoscaling-v2.ts";
import type { CronJob, Job } from "../../protocols/kubernetes/types/batch-v1.ts";
import type { Lease } from "../../protocols/kubernetes/types/coordination-v1.ts";
import type {
  ConfigMap,
  Endpoints,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  ReplicationController,
  ResourceQuota,
  Secret,
  Service,
  ServiceAccount,
} from "../../protocols/kubernetes/types/core-v1.ts";
import type { EndpointSlice } from "../../protocols/kubernetes/types/discovery-v1.ts";
import type { PodDisruptionBudget } from "../../protocols/kubernetes/types/policy-v1.ts";
import type { ClusterRole } from "../../protocols/kubernetes/types/rbac-v1.ts";
import type { StorageClass } from "../../protocols/kubernetes/types/storage-v1.ts";
import type { CustomResourceDefinition } from "../../protocols/kubernetes/types/apiextensions-v1.ts";
import { RESOURCES } from "../../protocols/kubernetes/resources.ts";
import type { Context, Why } from "../../runtime/actor.ts";
import type { Metric, Value } from "../../runtime/metrics/metrics.ts";
import type { Client } from "../client/client.ts";
import type { EventRecorder, EventSink } from "../client/event-recorder.ts";
import { customResourceDefinitions, resourcesOf } from "../client/custom-resources.ts";
import { controllerOf } from "../../protocols/kubernetes/owners.ts";
import { tellListenerFault } from "../client/faults.ts";
import { Informer } from "../client/informer.ts";
import * as resources from "../client/resources.ts";
import type { Reconcile, Result, WorkQueueOptions } from "../client/work-queue.ts";
import { WorkQueue } from "../client/work-queue.ts";
import type { ControllerManagerOptions } from "./spec.ts";

/** A controller registers its listeners and its queue; nothing runs before every informer has its first list. */
export type Controller = (session: Session) => void;

/** Works on a key, by a session of this turn's own: all that is done by it is done because of what made the turn necessary. */
export type Work = (key: string, session: Session) => Promise<Result>;

export interface Followed {
  readonly resource: resources.Resource;
  readonly informer: Informer<KubernetesObject>;
}

export class Session {
  readonly ctx: Context<ControllerManagerOptions>;
  readonly client: Client;
  readonly recorder: EventSink;
  /** Of a turn of work, what it is done because of. */
  readonly why: Why = "";
  private readonly events: EventRecorder;
  readonly options: ControllerManagerOptions;
  readonly pods: Informer<Pod>;
  readonly nodes: Informer<Node>;
  readonly namespaces: Informer<Namespace>;
  readonly services: Informer<Service>;
  readonly endpoints: Informer<Endpoints>;
  readonly endpointSlices: Informer<EndpointSlice>;
  readonly configMaps: Informer<ConfigMap>;
  readonly secrets: Informer<Secret>;
  readonly serviceAccounts: Informer<ServiceAccount>;
  readonly deployments: Informer<Deployment>;
  readonly replicaSets: Informer<ReplicaSet>;
  readonly statefulSets: Informer<StatefulSet>;
  readonly daemonSets: Informer<DaemonSet>;
  readonly controllerRevisions: Informer<ControllerRevision>;
  readonly replicationControllers: Informer<ReplicationController>;
  readonly claims: Informer<PersistentVolumeClaim>;
  readonly volumes: Informer<PersistentVolume>;
  readonly storageClasses: Informer<StorageClass>;
  readonly resourceQuotas: Informer<ResourceQuota>;
  readonly clusterRoles: Informer<ClusterRole>;
  readonly jobs: Informer<Job>;
  readonly cronJobs: Informer<CronJob>;
  readonly podDisruptionBudgets: Informer<PodDisruptionBudget>;
  readonly horizontalPodAutoscalers: Informer<HorizontalPodAutoscaler>;
  readonly leases: Informer<Lease>;
  readonly definitions: Informer<CustomResourceDefinition>;
  /** Every built-in resource that is followed. */
  readonly followed: Followed[] = [];
  /** The resource of each established CustomResourceDefinition, by the definition's name. */
  private readonly custom = new Map<string, Followed>();
  private readonly followers: {
    readonly onFollow: (one: Followed) => void;
    readonly onEnd: (one: Followed) => void;
  }[] = [];
  private readonly queues: { readonly name: string; readonly queue: WorkQueue; readonly reconcile: Reconcile }[] = [];
  private begun: () => void = () => undefined;
  private readonly whenBegun: Promise<void> = new Promise((resolve) => void (this.begun = resolve));
  private listenerFaults = 0;
  private ended = false;
  private readonly onStop: (() => void)[] = [];

  constructor(ctx: Context<ControllerManagerOptions>, client: Client, recorder: EventRecorder) {
    this.ctx = ctx;
    this.client = client;
    this.recorder = recorder;
    this.events = recorder;
    this.options = ctx.options;
    this.pods = this.informer(resources.pods);
    this.nodes = this.informer(resources.nodes);
    this.namespaces = this.informer(resources.namespaces);
    this.services = this.informer(resources.services);
    this.endpoints = this.informer(resources.endpoints);
    this.endpointSlices = this.informer(resources.endpointSlices);
    this.configMaps = this.informer(resources.configMaps);
    this.secrets = this.informer(resources.secrets);
    this.serviceAccounts = this.informer(resources.serviceAccounts);
    this.deployments = this.informer(resources.deployments);
    this.replicaSets = this.informer(resources.replicaSets);
    this.statefulSets = this.informer(resources.statefulSets);
    this.daemonSets = this.informer(resources.daemonSets);
    this.controllerRevisions = this.informer(resources.controllerRevisions);
    this.replicationControllers = this.informer(resources.replicationControllers);
    this.claims = this.informer(resources.persistentVolumeClaims);
    this.volumes = this.informer(resources.persistentVolumes);
    this.storageClasses = this.informer(resources.storageClasses);
    this.resourceQuotas = this.informer(resources.resourceQuotas);
    this.clusterRoles = this.informer(resources.clusterRoles);
    this.jobs = this.informer(resources.jobs);
    this.cronJobs = this.informer(resources.cronJobs);
    this.podDisruptionBudgets = this.informer(resources.podDisruptionBudgets);
    this.horizontalPodAutoscalers = this.informer(resources.horizontalPodAutoscalers);
    this.leases = this.informer(resources.leases, "kube-node-lease");
    this.definitions = this.informer(customResourceDefinitions, undefined, withoutSchemas);
    this.followOthers();
    this.definitions.onChange(({ type, object }) => this.defined(object, type === "deleted"));
  }

  /** The resources that definitions have added, in one version each. */
  get customResources(): readonly resources.Resource[] {
    return Array.from(this.custom.values(), ({ resource }) => resource);
  }

  /** `onFollow` is told each resource that is followed, now and later; `onEnd` those of definitions that are gone. */
  eachFollowed(onFollow: (one: Followed) => void, onEnd: (one: Followed) => void): void {
    this.followers.push({ onFollow, onEnd });
    for (const one of [...this.followed, ...this.custom.values()]) onFollow(one);
  }

  get stopped(): boolean {
    return this.ended;
  }

  start(controllers: readonly Controller[]): void {
    this.pods.addIndex("namespace", (pod) => [pod.metadata?.namespace ?? ""]);
    this.pods.addIndex("node", (pod) => [pod.spec?.nodeName ?? ""]);
    this.pods.addIndex("controller", (pod) => [controllerOf(pod)?.uid ?? `orphan/${pod.metadata?.namespace}`]);
    this.replicaSets.addIndex("namespace", (set) => [set.metadata?.namespace ?? ""]);
    this.replicationControllers.addIndex("namespace", (one) => [one.metadata?.namespace ?? ""]);
    this.replicaSets.addIndex("controller", (set) => [controllerOf(set)?.uid ?? ""]);
    for (const sets of [this.statefulSets, this.daemonSets] as readonly Informer<StatefulSet | DaemonSet>[]) {
      sets.addIndex("namespace", (set) => [set.metadata?.namespace ?? ""]);
    }
    this.controllerRevisions.addIndex("controller", (revision) => [
      controllerOf(revision)?.uid ?? `orphan/${revision.metadata?.namespace}`,
    ]);
    this.jobs.addIndex("namespace", (job) => [job.metadata?.namespace ?? ""]);
    this.jobs.addIndex("controller", (job) => [controllerOf(job)?.uid ?? ""]);
    this.podDisruptionBudgets.addIndex("namespace", (budget) => [budget.metadata?.namespace ?? ""]);
    for (const controller of controllers) controller(this);
    for (const { informer } of this.followed) informer.start();
    this.ctx.spawn(async () => {
      await Promise.all(this.followed.map(({ informer }) => informer.whenSynced()));
      // A definition that ends meanwhile takes its informer along.
      await Promise.all(Array.from(this.custom.values(), ({ informer }) => informer.whenSyncedOrStopped()));
      if (this.ended) return;
      for (const { queue, reconcile } of this.queues) queue.run(reconcile);
      this.begun();
    });
  }

  /** A gauge of what this session sees, taken each time that somebody reads the metrics; nobody's once the session is over. */
  gauge(name: string, help: string, labels: readonly string[], gather: (gauge: Metric<Value>) => void): void {
    const { metrics } = this.ctx;
    const gauge = metrics.gauge(name, help, labels);
    const stop = metrics.onRead(() => {
      gauge.clear();
      gather(gauge);
    });
    this.onStop.push(() => {
      stop();
      gauge.clear();
    });
  }

  stop(): void {
    this.ended = true;
    for (const stop of this.onStop.splice(0)) stop();
    this.begun();
    for (const { informer } of [...this.followed, ...this.custom.values()]) informer.stop();
    for (const { queue } of this.queues) queue.stop();
  }

  /** A queue that starts working when all informers are in step. */
  queue(name: string, work: Work, options: Partial<WorkQueueOptions> = {}): WorkQueue {
    const queue = new WorkQueue(this.ctx, { name, ...options });
    const reconcile: Reconcile = (key, why) => work(key, this.because(why));
    this.queues.push({ name, queue, reconcile });
    return queue;
  }

  /** This session, whose state stays one, with a client and a recorder that say why. */
  because(why: Why): Session {
    const { client, events } = this;
    return Object.create(this, {
      why: { value: why },
      client: { value: client.because(why) },
      recorder: { value: events.because(why) },
    }) as Session;
  }

  /** Keys that wait or are worked on, by queue. */
  queueSizes(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.queues.map(({ name, queue }) => [name, queue.size]));
  }

  /** Resolves when the controllers work, or the session is over, and no queue has a key to work on but those that wait for a time. */
  async whenIdle(): Promise<void> {
    await this.whenBegun;
    // What one queue does may give another one work.
    while (this.queues.some(({ queue }) => !queue.isIdle)) {
      await Promise.all(this.queues.map(({ queue }) => queue.whenIdle()));
    }
  }

  /** Faults of the program that cost a key its reconciliation, or a controller a change. */
  get faults(): number {
    return this.queues.reduce((sum, { queue }) => sum + queue.faults, this.listenerFaults);
  }

  /** Of all other kinds the metadata: anything may own, or be owned. Events are nobody's: there are many, and they expire. */
  private followOthers(): void {
    const known = new Set(["events", ...this.followed.map(({ resource }) => resource.resource)]);
    for (const { group, version, resource, kind, namespaced, verbs, storageApiVersion } of RESOURCES) {
      if (known.has(resource) || storageApiVersion !== undefined || !verbs.includes("watch")) continue;
      this.informer({ group, version, resource, kind, namespaced }, undefined, metadataOnly);
    }
  }

  /** A custom resource is followed from the moment that it is served to the end of its definition, through changes of its versions. */
  private defined(definition: CustomResourceDefinition, isGone: boolean): void {
    const name = definition.metadata?.name ?? "";
    const before = this.custom.get(name);
    const [now] = isGone || this.ended ? [] : resourcesOf(definition);
    if (before !== undefined && before.resource.version === now?.version && before.resource.kind === now.kind) return;
    if (before !== undefined) {
      this.custom.delete(name);
      before.informer.stop();
      for (const { onEnd } of this.followers) onEnd(before);
    }
    if (now === undefined) return;
    const { group, version, resource, kind, namespaced } = now;
    const row = { group, version, resource, kind, namespaced };
    const one = { resource: row, informer: this.newInformer<KubernetesObject>(row, undefined, metadataOnly) };
    this.custom.set(name, one);
    for (const { onFollow } of this.followers) onFollow(one);
    one.informer.start();
  }

  private informer<T extends KubernetesObject>(
    resource: resources.Resource<T>,
    namespace?: string,
    trim?: (object: T) => T,
  ): Informer<T> {
    const informer = this.newInformer(resource, namespace, trim);
    this.followed.push({ resource, informer: informer as unknown as Informer<KubernetesObject> });
    return informer;
  }

  private newInformer<T extends KubernetesObject>(
    resource: resources.Resource<T>,
    namespace?: string,
    trim?: (object: T) => T,
  ): Informer<T> {
    const selector = namespace === undefined ? {} : { namespace };
    // What one controller can't read must not end them all, here and at the next leader.
    const tell = tellListenerFault(this.ctx.log, resource.resource);
    const onFault = (thrown: unknown, key: string): void => {
      this.listenerFaults++;
      tell(thrown, key);
    };
    return new Informer(this.ctx, this.client, resource, selector, trim, onFault);
  }
}

/** Schemas are large, and nobody here reads them. */
function withoutSchemas({ metadata = {}, spec, status }: CustomResourceDefinition): CustomResourceDefinition {
  const versions = spec.versions.map(({ name, served, storage }) => ({ name, served, storage }));
  return { metadata, spec: { ...spec, versions }, ...(status === undefined ? {} : { status }) };
}

function metadataOnly({ metadata = {} }: KubernetesObject): KubernetesObject {
  return { metadata };
}
