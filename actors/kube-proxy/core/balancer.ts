/**
 * Chooses the endpoint for a connection to one port of a Service.
 *
 * Nearest first: the requester's own node, then its zone, then any; there the least open connections, and among equals
 * the one that was given out longest ago, so that idle endpoints get equal shares and one history has one answer.
 * An endpoint that can't be connected to is out of rotation for a pause that doubles; after it one connection at a time
 * may try it. When all are out of rotation they are tried all the same: a guess beats a certain refusal.
 * O(endpoints) a pick.
 * @see Kubernetes `CategorizeEndpoints` (ready, else serving and terminating), IPVS scheduler `lc`, KEP-1669.
 */
import type { Endpoint, ServicePort } from "./service-ports.ts";

export interface BalancerOptions {
  /** First pause after a refused connection. A container restart takes about as long. */
  readonly ejectBaseMs: number;
  /** Longest pause: the endpoint's readiness probe has its say long before. */
  readonly ejectMaxMs: number;
  /** Clients remembered for `sessionAffinity`; the one idle longest is forgotten. */
  readonly affinityMax: number;
}

export const BALANCER_DEFAULTS: BalancerOptions = { ejectBaseMs: 250, ejectMaxMs: 10_000, affinityMax: 10_000 };

export interface PickFrom {
  /** Absent: from outside the cluster. */
  readonly node?: string | undefined;
  readonly zone?: string | undefined;
  readonly clientIP?: string | undefined;
  /** Came through a NodePort: `externalTrafficPolicy` counts, not `internalTrafficPolicy`. */
  readonly external?: boolean;
  /** The node that a NodePort was reached on: with `externalTrafficPolicy: Local` only its endpoints count. */
  readonly entryNode?: string | undefined;
  /** Endpoints that this connection has tried already. */
  readonly tried?: ReadonlySet<string>;
}

export interface EndpointLoad extends Endpoint {
  readonly openConnections: number;
  readonly outOfRotation: boolean;
}

interface Seat {
  endpoint: Endpoint;
  open: number;
  /** Connections under way that have not said yet whether the endpoint answers. */
  trying: number;
  /** Order of the last time it was given out; 0: never. */
  given: number;
  failures: number;
  retryAtMs: number;
}

export class Balancer {
  private servicePort: ServicePort;
  private readonly options: BalancerOptions;
  private readonly seats = new Map<string, Seat>();
  /** Client address -> endpoint and last use, in order of use. */
  private readonly affinity = new Map<string, { readonly key: string; readonly usedAtMs: number }>();
  private turn = 0;

  constructor(servicePort: ServicePort, options: BalancerOptions = BALANCER_DEFAULTS) {
    this.servicePort = servicePort;
    this.options = options;
  }

  /** A changed Service keeps what is known of its endpoints. */
  configure(servicePort: ServicePort): void {
    this.servicePort = servicePort;
  }

  setEndpoints(endpoints: readonly Endpoint[]): void {
    const present = new Set<string>();
    for (const endpoint of endpoints) {
      present.add(endpoint.key);
      const seat = this.seats.get(endpoint.key);
      if (seat === undefined) {
        this.seats.set(endpoint.key, { endpoint, open: 0, trying: 0, given: 0, failures: 0, retryAtMs: 0 });
        continue;
      }
      // Its probe says that it is back: that is newer than what we remember.
      if (endpoint.ready && !seat.endpoint.ready) {
        seat.failures = 0;
        seat.retryAtMs = 0;
      }
      seat.endpoint = endpoint;
    }
    for (const key of this.seats.keys()) if (!present.has(key)) this.seats.delete(key);
  }

  /** Whether there is an endpoint for such a connection, so whether it makes sense to listen for one at all. */
  hasUsable(from: PickFrom): boolean {
    return this.candidates(from).length > 0;
  }

  pick(from: PickFrom, nowMs: number): Endpoint | undefined {
    const allowed = this.candidates(from).filter((seat) => from.tried?.has(seat.endpoint.key) !== true);
    const healthy = allowed.filter((seat) => inRotation(seat, nowMs));
    const seat = healthy.length > 0 ? this.choose(healthy, from, nowMs) : earliest(allowed);
    if (seat === undefined) return undefined;
    seat.given = ++this.turn;
    if (from.clientIP !== undefined) this.remember(from.clientIP, seat.endpoint.key, nowMs);
    return seat.endpoint;
  }

  /** A connection to it is being made. */
  trying(key: string): void {
    const seat = this.seats.get(key);
    if (seat === undefined) return;
    seat.open++;
    seat.trying++;
  }

  connected(key: string): void {
    const seat = this.seats.get(key);
    if (seat === undefined) return;
    seat.trying = Math.max(0, seat.trying - 1);
    seat.failures = 0;
    seat.retryAtMs = 0;
  }

  /** The connection could not be made. Answers with the pause, for the trace. */
  failed(key: string, nowMs: number): number {
    const seat = this.seats.get(key);
    if (seat === undefined) return 0;
    seat.trying = Math.max(0, seat.trying - 1);
    seat.open = Math.max(0, seat.open - 1);
    const pauseMs = Math.min(this.options.ejectMaxMs, this.options.ejectBaseMs * 2 ** Math.min(seat.failures, 16));
    // Many connections that were under way together are one failure, not many.
    if (nowMs >= seat.retryAtMs) {
      seat.failures++;
      seat.retryAtMs = nowMs + pauseMs;
    }
    return pauseMs;
  }

  closed(key: string): void {
    const seat = this.seats.get(key);
    if (seat !== undefined) seat.open = Math.max(0, seat.open - 1);
  }

  endpoints(nowMs: number): readonly EndpointLoad[] {
    return [...this.seats.values()].map((seat) => ({
      ...seat.endpoint,
      openConnections: seat.open,
      outOfRotation: nowMs < seat.retryAtMs,
    }));
  }

  /** Who may get the connection: policy first, then readiness. */
  private candidates(from: PickFrom): Seat[] {
    const only = this.onlyNode(from);
    const all = [...this.seats.values()];
    return usable(only === undefined ? all : all.filter((seat) => seat.endpoint.node === only));
  }

  /** The node that a `Local` policy confines the connection to. A requester on no node is confined to none. */
  private onlyNode(from: PickFrom): string | undefined {
    if (from.external === true) return this.servicePort.externalLocal ? from.entryNode : undefined;
    return this.servicePort.internalLocal ? from.node : undefined;
  }

  private choose(seats: readonly Seat[], from: PickFrom, nowMs: number): Seat | undefined {
    const sticky = this.sticky(seats, from, nowMs);
    if (sticky !== undefined) return sticky;
    const near = seats.filter((seat) => from.node !== undefined && seat.endpoint.node === from.node);
    if (near.length > 0) return leastLoaded(near);
    const zonal = seats.filter((seat) => from.zone !== undefined && seat.endpoint.zone === from.zone);
    return leastLoaded(zonal.length > 0 ? zonal : seats);
  }

  /**
   * The endpoint of a client with session affinity. A client that is not known gets one by rendezvous hashing, so that
   * the proxy that takes over from another one sends it to the same endpoint.
   */
  private sticky(seats: readonly Seat[], from: PickFrom, nowMs: number): Seat | undefined {
    const timeoutMs = this.servicePort.affinityTimeoutMs;
    const client = from.clientIP;
    if (timeoutMs === undefined || client === undefined) return undefined;
    const known = this.affinity.get(client);
    if (known !== undefined && nowMs - known.usedAtMs < timeoutMs) {
      const seat = seats.find((each) => each.endpoint.key === known.key);
      if (seat !== undefined) return seat;
    }
    let best: Seat | undefined;
    let bestWeight = -1;
    for (const seat of seats) {
      const weight = hash32(`${client}|${seat.endpoint.key}`);
      if (weight > bestWeight) [best, bestWeight] = [seat, weight];
    }
    return best;
  }

  private remember(client: string, key: string, nowMs: number): void {
    if (this.servicePort.affinityTimeoutMs === undefined) return;
    this.affinity.delete(client);
    this.affinity.set(client, { key, usedAtMs: nowMs });
    if (this.affinity.size <= this.options.affinityMax) return;
    for (const oldest of this.affinity.keys()) {
      this.affinity.delete(oldest);
      return;
    }
  }
}

/** Ready endpoints; while there is none, those that still serve while they end (KEP-1669). */
function usable(seats: Iterable<Seat>): Seat[] {
  const all = [...seats];
  const ready = all.filter((seat) => seat.endpoint.ready);
  if (ready.length > 0) return ready;
  return all.filter((seat) => seat.endpoint.serving && seat.endpoint.terminating);
}

/** In rotation, or due for a trial that nobody is making. */
function inRotation(seat: Seat, nowMs: number): boolean {
  if (seat.failures === 0) return true;
  return nowMs >= seat.retryAtMs && seat.trying === 0;
}

function leastLoaded(seats: readonly Seat[]): Seat | undefined {
  let best: Seat | undefined;
  for (const seat of seats) {
    if (best === undefined || seat.open < best.open || (seat.open === best.open && seat.given < best.given))
      best = seat;
  }
  return best;
}

function earliest(seats: readonly Seat[]): Seat | undefined {
  let best: Seat | undefined;
  for (const seat of seats) {
    const isEarlier = best === undefined || seat.retryAtMs < best.retryAtMs;
    if (isEarlier || (seat.retryAtMs === best?.retryAtMs && seat.given < best.given)) best = seat;
  }
  return best;
}

/** FNV-1a, mixed once more so that names which differ in their last letter differ in all bits. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad);
  return (hash ^ (hash >>> 15)) >>> 0;
}
