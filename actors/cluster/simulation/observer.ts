/**
 * Looks on while the story is told: a watch of everything at each member of etcd, and what the actors write into their
 * flight recorders, go into the checks. What is broken ends the run at once.
 */
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import type { InkubeError } from "../../../protocols/errors.ts";
import { hasCode } from "../../../protocols/errors.ts";
import type { WatchResponse } from "../../../protocols/etcd.ts";
import { etcdProtocol } from "../../../protocols/etcd.ts";
import type { TraceEvent } from "../../../runtime/trace/event.ts";
import { broken } from "./checks/broken.ts";
import { ClusterState } from "./checks/cluster-state.ts";
import { Holders, Leaders } from "./checks/leaders.ts";
import { LeasePromises } from "./checks/leases.ts";
import type { KnownRevision } from "./checks/revision-log.ts";
import { RevisionLog } from "./checks/revision-log.ts";
import type { EtcdGroup } from "./etcd-group.ts";

const REOPEN_MS = 50;
/** Who does not die of a fault of its own, but tells it as an error. */
const SURVIVORS = /^(api-server|controller-manager|scheduler)-/;
/** All keys: from the first possible one on. */
const EVERYTHING = { key: "\0", rangeEnd: "\0" };
const decoder = new TextDecoder();

export class Observer {
  readonly log: RevisionLog = new RevisionLog();
  readonly state: ClusterState = new ClusterState();
  readonly leases: LeasePromises = new LeasePromises();
  private readonly leaders = new Leaders();
  private readonly holders = new Holders();
  private readonly cluster: EtcdGroup;
  /** Of keys that live as long as a lease: which one. */
  private readonly leased = new Map<string, string>();
  /** How often an API server has loaded its caches, or begun to. */
  private readonly loads = new Map<string, number>();
  private isStopped = false;

  constructor(cluster: EtcdGroup) {
    this.cluster = cluster;
    cluster.host.trace.onEvent((event) => this.recorded(event));
  }

  /** Follows all members until `stop`. */
  start(): void {
    for (const member of this.cluster.members) this.follow(member);
  }

  stop(): void {
    this.isStopped = true;
  }

  /** How often the API server has begun to load its caches. */
  loadsOf(server: string): number {
    return this.loads.get(server) ?? 0;
  }

  /** A name on etcd's disk means nothing any more to a member that begins anew with an empty one. */
  private follow(member: string): void {
    if (this.isStopped) return;
    const { context } = this.cluster.host;
    this.log.opened(member);
    const reopen = (): void => void context.clock.after(REOPEN_MS, () => this.follow(member));
    context.ref(etcdProtocol, member).stream(
      "watch",
      { ...EVERYTHING, startRevision: this.log.next(member) },
      {
        next: (response) => this.take(member, response),
        end: (error) => {
          if (hasCode(error, "ETCD_COMPACTED")) this.log.compacted(member, compactRevision(error));
          reopen();
        },
      },
    );
  }

  private take(member: string, { header, events }: WatchResponse): void {
    if (this.isStopped) return;
    const { nowMs } = this.cluster.host;
    for (const known of this.log.take(member, header.revision, events, nowMs)) this.changed(known);
  }

  private changed({ events, atMs }: KnownRevision): void {
    for (const { type, kv } of events) {
      if (type === "delete") {
        const lease = this.leased.get(kv.key);
        this.leased.delete(kv.key);
        if (lease !== undefined) this.leases.lost(lease, kv.key, atMs);
        this.state.set(kv.key, undefined, atMs);
        continue;
      }
      if (kv.lease === "0") this.leased.delete(kv.key);
      else this.leased.set(kv.key, kv.lease);
      if (kv.key.startsWith("/registry/") && !kv.key.startsWith("/registry/events/")) {
        const object = objectOf(kv.value);
        if (object !== undefined) this.state.set(kv.key, object, atMs);
      }
    }
  }

  private recorded({ actor, kind, subject, detail }: TraceEvent): void {
    try {
      if (kind === "leader-known" && detail === `leader=${actor}`) {
        this.leaders.leads(actor, Number(subject.slice("etcd/term-".length)));
      } else if (kind === "leader-elected") {
        this.holders.begins(subject, actor, (other) => this.cluster.host.isActing(other));
      } else if (kind === "log.warn" && subject === "no longer leading") {
        this.holders.ends(actor);
      } else if (kind === "start" || kind === "stop") {
        this.holders.ends(actor);
        this.loads.set(actor, this.loadsOf(actor) + 1);
      } else if (kind === "log.warn" && subject.includes("loading anew")) {
        this.loads.set(actor, this.loadsOf(actor) + 1);
      } else if (kind === "log.error" && SURVIVORS.test(actor)) {
        throw broken(`${actor} has a fault: ${subject} ${detail}`);
      }
    } catch (error) {
      this.cluster.host.world.fail(error);
    }
  }
}

/** Undefined for what is no object: a claim of an address. */
export function objectOf(value: Uint8Array): KubernetesObject | undefined {
  const text = decoder.decode(value);
  return text.startsWith("{") ? (JSON.parse(text) as KubernetesObject) : undefined;
}

export function compactRevision(error: InkubeError): number {
  return (error.details as { readonly compactRevision: number }).compactRevision;
}
