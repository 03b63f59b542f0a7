/**
 * TCP in memory: every address exists, bytes arrive in order some time later, and a side that dies resets its
 * connections. Same contract as `runtime/threads/net.ts`.
 */
import { InkubeError } from "../../protocols/errors.ts";
import type { Address, Connection, Listener, Net } from "../net.ts";
import type { Random } from "../random.ts";
import type { EventOwner } from "./event-queue.ts";
import type { World } from "./world.ts";

/** Loopback between two threads, as a range in microseconds. */
const LATENCY_US: readonly [number, number] = [20, 120];
/** TCP's first time-out, for what an address that is blocked did not get. */
const RETRANSMIT_US = 200_000;
/** A writer is told to wait from here on, as Node does. */
const HIGH_WATER_BYTES = 64 * 1024;
const EPHEMERAL_PORT_FIRST = 32_768;
const EPHEMERAL_PORT_LAST = 60_999;

interface BoundListener {
  readonly owner: EventOwner;
  /** Called as soon as a client reaches it; `accept` follows as an event of the owner. */
  readonly adopt: (connection: SimConnection) => void;
  readonly accept: (connection: SimConnection) => void;
}

/** The network that all actors of a run share. */
export class SimNetwork {
  readonly world: World;
  private readonly random: Random;
  private readonly listeners = new Map<string, BoundListener>();
  private readonly blocked = new Set<string>();
  private nextPort = EPHEMERAL_PORT_FIRST;

  constructor(world: World) {
    this.world = world;
    this.random = world.random("net");
  }

  open(owner: EventOwner): SimNet {
    return new SimNet(this, owner);
  }

  /** Drops what is sent to an address from now on: connects time out, connections stall. */
  block(host: string): void {
    this.blocked.add(host);
  }

  unblock(host: string): void {
    this.blocked.delete(host);
  }

  isBlocked(address: Address): boolean {
    return this.blocked.has(address.host);
  }

  latencyUs(): number {
    return LATENCY_US[0] + this.random.below(LATENCY_US[1] - LATENCY_US[0]);
  }

  bind(address: Address, listener: BoundListener): Address {
    const port = address.port === 0 ? this.freePort(address.host) : address.port;
    const key = `${address.host}:${port}`;
    if (this.listeners.has(key) || (address.port !== 0 && this.listeners.has(`0.0.0.0:${port}`))) {
      throw new InkubeError("ADDRESS_IN_USE", `listen on ${key}: it is taken`, { retryable: true });
    }
    this.listeners.set(key, listener);
    return { host: address.host, port };
  }

  unbind(address: Address): void {
    this.listeners.delete(`${address.host}:${address.port}`);
  }

  find(address: Address): BoundListener | undefined {
    return this.listeners.get(`${address.host}:${address.port}`) ?? this.listeners.get(`0.0.0.0:${address.port}`);
  }

  freePort(host: string): number {
    for (let tried = EPHEMERAL_PORT_FIRST; tried <= EPHEMERAL_PORT_LAST; tried++) {
      const port = this.nextPort;
      this.nextPort = port === EPHEMERAL_PORT_LAST ? EPHEMERAL_PORT_FIRST : port + 1;
      if (!this.listeners.has(`${host}:${port}`)) return port;
    }
    throw new InkubeError("ADDRESS_IN_USE", `no port of ${host} is free`, { retryable: true });
  }
}

/** One for each incarnation of an actor. */
export class SimNet implements Net {
  private readonly network: SimNetwork;
  private readonly owner: EventOwner;
  private readonly bound = new Set<Address>();
  private readonly connections = new Set<SimConnection>();

  constructor(network: SimNetwork, owner: EventOwner) {
    this.network = network;
    this.owner = owner;
  }

  listen(address: Address, onConnection: (connection: Connection) => void): Promise<Listener> {
    return new Promise((resolve, reject) => {
      this.network.world.schedule(this.network.latencyUs(), this.owner, () => {
        try {
          const actual = this.network.bind(address, {
            owner: this.owner,
            adopt: (connection) => this.adopt(connection),
            accept: onConnection,
          });
          this.bound.add(actual);
          const close = (): Promise<void> => {
            if (this.bound.delete(actual)) this.network.unbind(actual);
            return Promise.resolve();
          };
          resolve({ address: actual, close });
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  connect(address: Address, options: { readonly timeoutMs: number }): Promise<Connection> {
    const { world } = this.network;
    return new Promise((resolve, reject) => {
      const place = `connect to ${address.host}:${address.port}`;
      const timeout = world.schedule(options.timeoutMs * 1_000, this.owner, () => {
        reject(new InkubeError("DEADLINE_EXCEEDED", `${place}: no answer in time`, { retryable: true }));
      });
      const refused = (): void => {
        world.schedule(this.network.latencyUs(), this.owner, () => {
          timeout.action = undefined;
          reject(new InkubeError("CONNECTION_REFUSED", `${place}: nobody listens`, { retryable: true }));
        });
      };
      world.schedule(this.network.latencyUs(), world.itself, () => {
        if (timeout.action === undefined || this.network.isBlocked(address)) return;
        const listener = this.network.find(address);
        if (listener === undefined || !listener.owner.alive) return refused();
        const local = { host: address.host, port: this.network.freePort(address.host) };
        const near = new SimConnection(this.network, this.owner, local, address);
        const far = new SimConnection(this.network, listener.owner, address, local);
        near.attach(far);
        far.attach(near);
        this.adopt(near);
        listener.adopt(far);
        world.schedule(0, listener.owner, () => listener.accept(far));
        world.schedule(this.network.latencyUs(), this.owner, () => {
          if (timeout.action === undefined) return near.destroy();
          timeout.action = undefined;
          resolve(near);
        });
      });
    });
  }

  /** Its actor is dead: listeners are gone and connections are reset. */
  close(): void {
    for (const address of this.bound) this.network.unbind(address);
    this.bound.clear();
    for (const connection of [...this.connections]) connection.reset();
    this.connections.clear();
  }

  private adopt(connection: SimConnection): void {
    this.connections.add(connection);
    connection.onGone(() => this.connections.delete(connection));
  }
}

export class SimConnection implements Connection {
  readonly local: Address;
  readonly remote: Address;
  private readonly network: SimNetwork;
  private readonly owner: EventOwner;
  private peer: SimConnection | undefined;
  private lastArrivalUs = 0;
  private readonly underWay: { readonly atUs: number; readonly action: (peer: SimConnection) => void }[] = [];
  /** Written here and not yet read there. */
  private unreadBytes = 0;
  private wantsDrain = false;
  private ended = false;
  private peerEnded = false;
  private isClosed = false;
  private failure: InkubeError | undefined;
  /** Arrived before anybody listened. */
  private arrived: Uint8Array[] = [];
  private readonly dataListeners: ((bytes: Uint8Array) => void)[] = [];
  private readonly drainListeners: (() => void)[] = [];
  private readonly endListeners: (() => void)[] = [];
  private readonly closeListeners: ((error?: Error) => void)[] = [];
  private readonly goneListeners: (() => void)[] = [];
  /** While it is false what arrives is kept, and the writer feels it. */
  private reading = true;

  constructor(network: SimNetwork, owner: EventOwner, local: Address, remote: Address) {
    this.network = network;
    this.owner = owner;
    this.local = local;
    this.remote = remote;
  }

  attach(peer: SimConnection): void {
    this.peer = peer;
  }

  /** For its Net: called at once when it closes. */
  onGone(listener: () => void): void {
    this.goneListeners.push(listener);
  }

  write(bytes: Uint8Array): boolean {
    if (this.ended || this.isClosed) return false;
    const copy = Uint8Array.from(bytes);
    this.unreadBytes += copy.length;
    this.toPeer((peer) => peer.arrive(copy));
    const room = this.unreadBytes < HIGH_WATER_BYTES;
    if (!room) this.wantsDrain = true;
    return room;
  }

  onData(listener: (bytes: Uint8Array) => void): void {
    this.dataListeners.push(listener);
    this.later(() => this.deliver());
  }

  onDrain(listener: () => void): void {
    this.drainListeners.push(listener);
  }

  onEnd(listener: () => void): void {
    this.endListeners.push(listener);
    if (this.peerEnded && this.arrived.length === 0) this.later(listener);
  }

  onClose(listener: (error?: Error) => void): void {
    if (this.isClosed) this.later(() => listener(this.failure));
    else this.closeListeners.push(listener);
  }

  end(): void {
    if (this.ended || this.isClosed) return;
    this.ended = true;
    this.toPeer((peer) => peer.peerHasEnded());
    this.closeWhenBothEnded();
  }

  destroy(): void {
    if (this.isClosed) return;
    // A kernel sends an end, or a reset when something was left unread.
    if (this.arrived.length > 0) return this.reset();
    if (!this.ended) this.toPeer((peer) => peer.peerHasEnded());
    this.close(undefined);
  }

  /** As `destroy`, and the peer sees the connection break. */
  reset(): void {
    if (this.isClosed) return;
    this.toPeer((peer) => peer.isReset());
    this.close(undefined);
  }

  splice(target: Connection): void {
    if (!(target instanceof SimConnection)) throw new Error("splice needs two connections of one Net");
    this.forward(target);
    target.forward(this);
  }

  private forward(to: SimConnection): void {
    to.onDrain(() => this.resumeReading());
    this.endListeners.push(() => to.end());
    this.onClose((error) => {
      if (error !== undefined) to.reset();
      else if (!this.peerEnded) to.destroy();
    });
    this.onData((bytes) => {
      if (!to.write(bytes)) this.reading = false;
    });
    if (this.peerEnded && this.arrived.length === 0) to.end();
  }

  private resumeReading(): void {
    this.reading = true;
    this.deliver();
  }

  /** In order with everything sent before; a blocked address lets nothing through until it is tried again. */
  private toPeer(action: (peer: SimConnection) => void): void {
    const { world } = this.network;
    this.lastArrivalUs = Math.max(this.lastArrivalUs, world.nowUs + this.network.latencyUs());
    this.underWay.push({ atUs: this.lastArrivalUs, action });
    if (this.underWay.length === 1) this.pumpAt(this.lastArrivalUs);
  }

  private pumpAt(atUs: number): void {
    const { peer } = this;
    if (peer === undefined) return;
    const { world } = this.network;
    world.scheduleAt(Math.max(atUs, world.nowUs), peer.owner, () => {
      if (this.network.isBlocked(this.remote)) return this.pumpAt(world.nowUs + RETRANSMIT_US);
      const item = this.underWay.shift();
      const next = this.underWay[0];
      if (next !== undefined) this.pumpAt(next.atUs);
      item?.action(peer);
    });
  }

  private later(action: () => void): void {
    this.network.world.schedule(0, this.owner, action);
  }

  private arrive(bytes: Uint8Array): void {
    if (this.isClosed) return this.toPeer((peer) => peer.isReset());
    this.arrived.push(bytes);
    this.deliver();
  }

  private deliver(): void {
    while (this.reading && this.dataListeners.length > 0 && !this.isClosed) {
      const bytes = this.arrived.shift();
      if (bytes === undefined) break;
      this.peer?.hasBeenRead(bytes.length);
      for (const listener of this.dataListeners) listener(bytes);
      if (this.arrived.length === 0 && this.peerEnded) return this.tellEnd();
    }
  }

  private hasBeenRead(bytes: number): void {
    this.unreadBytes -= bytes;
    if (!this.wantsDrain || this.unreadBytes > 0) return;
    this.wantsDrain = false;
    this.later(() => {
      if (!this.isClosed) for (const listener of this.drainListeners) listener();
    });
  }

  private peerHasEnded(): void {
    if (this.isClosed) return;
    this.peerEnded = true;
    if (this.arrived.length === 0) this.tellEnd();
  }

  private tellEnd(): void {
    // Nobody cares for the end: answer it, as Node does without half-open listeners.
    if (this.endListeners.length === 0) this.end();
    for (const listener of [...this.endListeners]) listener();
    this.closeWhenBothEnded();
  }

  private closeWhenBothEnded(): void {
    if (!this.ended || !this.peerEnded || this.arrived.length > 0 || this.isClosed) return;
    this.later(() => this.close(undefined));
  }

  private isReset(): void {
    const place = `connection with ${this.remote.host}:${this.remote.port}`;
    this.close(new InkubeError("CONNECTION_FAILED", `${place}: reset by the peer`, { retryable: true }));
  }

  private close(failure: InkubeError | undefined): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.failure = failure;
    this.arrived = [];
    for (const listener of this.goneListeners) listener();
    for (const listener of this.closeListeners) this.later(() => listener(failure));
  }
}
