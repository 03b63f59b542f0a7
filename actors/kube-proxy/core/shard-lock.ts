/**
 * Which kube-proxy serves the cluster addresses of a shard of Services.
 *
 * An address can be listened on once only, so of all proxies one must own it, and another must take over the moment it is
 * gone. Who listens on the shard's *lock address* is the owner. All others keep a connection to it, on which the owner
 * says who it is and then nothing more; the close of that connection is the news of its death. Nobody polls, and idle
 * it costs nothing.
 *
 * A lock address may be refused, or be held by another cluster on this machine (its greeting says so). Then all
 * proxies walk on to the next place of the same list, so they meet again.
 */
import type { Address } from "../../../protocols/kube-proxy.ts";
import { hash32 } from "./balancer.ts";
import { formatIPv4, parseCidr } from "./topology.ts";

export interface ShardLockOptions {
  readonly places: readonly Address[];
  /** Whether this proxy is the one that should have the shard when all come up together. */
  readonly preferred: boolean;
  /** How long to leave the shard to the proxy that should have it, once, at the start. */
  readonly preferenceWaitMs: number;
  /** First and longest pause while the address is neither free nor answers: its owner is just dying. */
  readonly retryBaseMs: number;
  readonly retryMaxMs: number;
}

export type ShardLockState = "idle" | "binding" | "connecting" | "waiting" | "owner" | "standby";

export type ShardLockEvent =
  | { readonly kind: "start" }
  | { readonly kind: "bound" }
  | { readonly kind: "bind-failed"; readonly code: string }
  /** Connected, and the greeting is of this shard of this cluster. */
  | { readonly kind: "greeted" }
  /** Connected to something else: another cluster, or no proxy at all. */
  | { readonly kind: "stranger" }
  | { readonly kind: "connect-failed" }
  /** The connection to the owner is gone. */
  | { readonly kind: "owner-gone" }
  | { readonly kind: "timer" };

export type ShardLockCommand =
  | { readonly kind: "bind"; readonly place: Address }
  | { readonly kind: "connect"; readonly place: Address }
  | { readonly kind: "wait"; readonly delayMs: number }
  | { readonly kind: "own" };

export class ShardLock {
  state: ShardLockState = "idle";
  private readonly options: ShardLockOptions;
  private place = 0;
  private failures = 0;
  private mayWait: boolean;

  constructor(options: ShardLockOptions) {
    if (options.places.length === 0) throw new Error("a shard lock needs a place");
    this.options = options;
    this.mayWait = !options.preferred;
  }

  /** One event, one command, or none while there is nothing to do but wait for the next event. */
  next(event: ShardLockEvent): ShardLockCommand | undefined {
    switch (event.kind) {
      case "start":
        return this.options.preferred ? this.bind() : this.connect();
      case "timer":
        return this.bind();
      case "bound":
        this.state = "owner";
        this.failures = 0;
        return { kind: "own" };
      case "bind-failed":
        return event.code === "ADDRESS_IN_USE" ? this.connect() : this.walk();
      case "greeted":
        this.state = "standby";
        this.failures = 0;
        return undefined;
      case "stranger":
        return this.walk();
      case "connect-failed":
        return this.afterRefusal();
      case "owner-gone":
        // Its successor is whoever binds first.
        return this.bind();
    }
  }

  /** Nobody answers. At the start the preferred proxy gets its chance; else the address is free, or about to be. */
  private afterRefusal(): ShardLockCommand {
    if (this.mayWait) {
      this.mayWait = false;
      return this.wait(this.options.preferenceWaitMs);
    }
    if (this.failures++ === 0) return this.bind();
    return this.wait(Math.min(this.options.retryMaxMs, this.options.retryBaseMs * 2 ** Math.min(this.failures, 16)));
  }

  private walk(): ShardLockCommand {
    this.place = (this.place + 1) % this.options.places.length;
    if (this.place !== 0) return this.bind();
    this.failures++;
    return this.wait(this.options.retryMaxMs);
  }

  private bind(): ShardLockCommand {
    this.state = "binding";
    return { kind: "bind", place: this.at() };
  }

  private connect(): ShardLockCommand {
    this.state = "connecting";
    return { kind: "connect", place: this.at() };
  }

  private wait(delayMs: number): ShardLockCommand {
    this.state = "waiting";
    return { kind: "wait", delayMs };
  }

  private at(): Address {
    const place = this.options.places[this.place];
    if (place === undefined) throw new Error("a shard lock walked off its list");
    return place;
  }
}

export function shardOf(service: string, shards: number): number {
  return hash32(service) % shards;
}

/** The proxy that should have a shard while all are up: each gets the same number of them, give or take one. */
export function preferredOwner(shard: number, peers: readonly string[]): string | undefined {
  const sorted = [...new Set(peers)].sort((a, b) => (a < b ? -1 : 1));
  return sorted.length === 0 ? undefined : sorted[shard % sorted.length];
}

/** First port of the locks on the service range's network address, which no Service ever gets: kube-proxy's health port. */
const LOCK_PORT = 10_256;
/** Where the walk goes on, on 127.0.0.1, where no own loopback addresses exist: below the ephemeral ports of Linux and macOS. */
const SHARED_LOCK_PORT = 20_000;
const SHARED_LOCK_PORTS = 12_000;
const SHARED_LOCK_TRIES = 4;

/** Where the lock of a shard may be, in the order in which all proxies of the cluster try. */
export function lockPlaces(clusterId: string, serviceRange: string, shard: number): readonly Address[] {
  const range = parseCidr(serviceRange);
  const own = range === undefined ? [] : [{ host: formatIPv4(range.network), port: LOCK_PORT + shard }];
  const shared = Array.from({ length: SHARED_LOCK_TRIES }, (_, attempt) => ({
    host: "127.0.0.1",
    port: SHARED_LOCK_PORT + (hash32(`${clusterId}/${shard}/${attempt}`) % SHARED_LOCK_PORTS),
  }));
  return [...own, ...shared];
}

/** Longest greeting that is read from what may be a stranger. */
export const GREETING_MAX_BYTES = 512;

export function greeting(clusterId: string, shard: number): string {
  return `inkube.dev/kube-proxy/v1 ${encodeURIComponent(clusterId)} ${shard}\n`;
}
