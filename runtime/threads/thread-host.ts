/**
 * Runs each actor on a worker thread of its own, and connects them: one port per pair of actors that a spec links,
 * brokered here once and then used without us. The embedder's own thread can join as one more peer.
 *
 * A link exists while both ends run. The first death sign a peer sees is its port closing, within a millisecond.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { MessagePort } from "node:worker_threads";
import { MessageChannel, Worker } from "node:worker_threads";
import { nanoid } from "nanoid";
import { InkubeError } from "../../protocols/errors.ts";
import type { Down, DownReason } from "../actor.ts";
import type { ChildSpec } from "../supervisor/spec.ts";
import { makeRing } from "../trace/ring.ts";
import type { ThreadStatistics } from "./control.ts";
import { ControlDoor } from "./control.ts";
import type { ThreadStart } from "./thread.ts";
import type { WatchdogOptions } from "./watchdog.ts";
import { WATCHDOG, Watchdog } from "./watchdog.ts";

export interface ThreadHostOptions {
  /** Directory of the built bundles: `boot.cjs`, `actors/<actor>.cjs`. */
  readonly bundles: string;
  /** Each actor gets a folder of its own in it. */
  readonly dataDir: string;
  /** Whether what an actor syncs must survive the machine. */
  readonly fsync: boolean;
  readonly watchdog?: WatchdogOptions;
  /** Told once per death, also of deaths that were asked for. */
  readonly onDown: (name: string, reason: DownReason, error: Error | undefined) => void;
}

/** A peer that is not a thread of this host: the embedder's own cell. */
export interface LocalPeer {
  readonly name: string;
  connect(peer: string, port: MessagePort): void;
  down(down: Down): void;
}

interface RunningThread {
  readonly worker: Worker;
  readonly control: ControlDoor;
  readonly exited: Promise<void>;
  /** Why it is being ended, once that is decided; the first decision stands. */
  ending: DownReason | undefined;
}

/** A control message is handled between two messages of the actor; longer means that it hangs. */
const CONTROL_TIMEOUT_MS = 5_000;

export class ThreadHost {
  private readonly options: ThreadHostOptions;
  private readonly threads = new Map<string, RunningThread>();
  private readonly rings = new Map<string, SharedArrayBuffer>();
  private readonly locals = new Map<string, LocalPeer>();
  /** Who may talk to whom; symmetric. */
  private readonly pairs = new Map<string, Set<string>>();
  /** Actors that will be started soon: links to them are made before they run, and what is sent waits in the port. */
  private readonly planned = new Set<string>();
  private readonly waitingPorts = new Map<string, Map<string, MessagePort>>();
  private readonly watchdog: Watchdog;

  constructor(options: ThreadHostOptions) {
    this.options = options;
    this.watchdog = new Watchdog(options.watchdog ?? WATCHDOG, (name) => {
      const thread = this.threads.get(name);
      if (thread !== undefined) this.end(thread, "hang");
    });
  }

  /** Makes the links of actors known, before any of them is started. */
  plan(specs: readonly Pick<ChildSpec, "name" | "links">[]): void {
    for (const { name, links } of specs) {
      this.planned.add(name);
      for (const peer of links) this.pair(name, peer);
    }
  }

  /** Lets the embedder's thread take part under a name that specs link to, or with links of its own. */
  join(local: LocalPeer, links: readonly string[]): void {
    this.locals.set(local.name, local);
    for (const peer of links) this.pair(local.name, peer);
    for (const peer of this.pairs.get(local.name) ?? []) {
      const port = this.openLink(local.name, peer);
      if (port !== undefined) local.connect(peer, port);
    }
  }

  /** The flight recorder of an actor; it outlives the actor's incarnations. */
  ring(name: string): SharedArrayBuffer {
    const known = this.rings.get(name);
    if (known !== undefined) return known;
    const ring = makeRing();
    this.rings.set(name, ring);
    return ring;
  }

  /** The folder that is an actor's disk. */
  dataDirOf(name: string): string {
    return join(this.options.dataDir, ...name.split("/"));
  }

  get actors(): readonly string[] {
    return [...this.threads.keys()];
  }

  /** Rejects when the actor's `start` threw or did not finish in time; the thread is gone then. */
  async start(spec: ChildSpec): Promise<void> {
    if (this.threads.has(spec.name)) throw new Error(`${spec.name} is already running`);
    for (const peer of spec.links) this.pair(spec.name, peer);
    const control = new MessageChannel();
    const links = this.linksOf(spec.name);
    const progress = new SharedArrayBuffer(4);
    const diskRoot = this.dataDirOf(spec.name);
    mkdirSync(diskRoot, { recursive: true });
    const start: ThreadStart = {
      bundle: join(this.options.bundles, "actors", `${spec.actor}.cjs`),
      name: spec.name,
      incarnation: nanoid(),
      options: spec.options,
      declared: [...(this.pairs.get(spec.name) ?? [])],
      links,
      control: control.port2,
      ring: this.ring(spec.name),
      progress,
      diskRoot,
      fsync: this.options.fsync,
    };
    const worker = new Worker(join(this.options.bundles, "boot.cjs"), {
      name: spec.name,
      workerData: start,
      transferList: [control.port2, ...links.map(({ port }) => port)],
      ...(spec.heapLimitMb === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: spec.heapLimitMb } }),
    });
    const thread = this.track(spec.name, worker, new ControlDoor(spec.name, control.port1));
    try {
      const outcome = await thread.control.start(spec.startTimeoutMs);
      if (!outcome.started) {
        const error = InkubeError.fromData(outcome.error);
        if (outcome.stack !== "") error.stack = outcome.stack;
        throw error;
      }
      this.watchdog.watch(spec.name, worker, progress);
    } catch (error) {
      this.end(thread, "start-timeout");
      await thread.exited;
      throw error;
    }
  }

  /** Asks the actor to stop and waits; ends its thread when it has not within `deadlineMs`. */
  async stop(name: string, deadlineMs: number): Promise<void> {
    const thread = this.threads.get(name);
    if (thread === undefined) return;
    thread.ending ??= "normal";
    const deadline = setTimeout(() => this.end(thread, "killed"), deadlineMs);
    // A thread that is gone before it could answer has stopped too.
    thread.control.stop(deadlineMs).catch(() => this.end(thread, "killed"));
    await thread.exited;
    clearTimeout(deadline);
  }

  /** Ends the thread at once, as a crash would. */
  async kill(name: string): Promise<void> {
    const thread = this.threads.get(name);
    if (thread === undefined) return;
    this.end(thread, "killed");
    await thread.exited;
  }

  inspect(name: string): Promise<ThreadStatistics> {
    const thread = this.threads.get(name);
    if (thread === undefined) throw new InkubeError("ACTOR_DOWN", `${name} is not running`);
    return thread.control.inspect(CONTROL_TIMEOUT_MS);
  }

  private track(name: string, worker: Worker, control: ControlDoor): RunningThread {
    let failure: Error | undefined;
    worker.on("error", (error: Error) => void (failure ??= error));
    const exited = new Promise<void>((resolve) => {
      worker.once("exit", (code) => {
        this.watchdog.unwatch(name);
        this.threads.delete(name);
        control.close();
        this.options.onDown(name, thread.ending ?? deathOf(failure, code), failure);
        resolve();
      });
    });
    const thread: RunningThread = { worker, control, exited, ending: undefined };
    this.threads.set(name, thread);
    this.planned.delete(name);
    return thread;
  }

  private end(thread: RunningThread, reason: DownReason): void {
    thread.ending = thread.ending === undefined || thread.ending === "normal" ? reason : thread.ending;
    void thread.worker.terminate();
  }

  private pair(left: string, right: string): void {
    for (const [from, to] of [
      [left, right],
      [right, left],
    ] as const) {
      const known = this.pairs.get(from);
      if (known === undefined) this.pairs.set(from, new Set([to]));
      else known.add(to);
    }
  }

  /** Ports for everything that `name` is linked with and that runs or is about to. */
  private linksOf(name: string): { readonly peer: string; readonly port: MessagePort }[] {
    const links: { readonly peer: string; readonly port: MessagePort }[] = [];
    const waiting = this.waitingPorts.get(name);
    this.waitingPorts.delete(name);
    for (const peer of this.pairs.get(name) ?? []) {
      const port = waiting?.get(peer) ?? this.openLink(name, peer);
      if (port !== undefined) links.push({ peer, port });
    }
    return links;
  }

  /** One end of a new link from `name` to `peer`; the other end goes to the peer. Undefined when the peer is down. */
  private openLink(name: string, peer: string): MessagePort | undefined {
    const local = this.locals.get(peer);
    const thread = this.threads.get(peer);
    if (local === undefined && thread === undefined && !this.planned.has(peer)) return undefined;
    const { port1, port2 } = new MessageChannel();
    if (local !== undefined) local.connect(name, port2);
    else if (thread === undefined) this.keepPort(peer, name, port2);
    // A peer that dies meanwhile closes the port with it, and this end is told.
    else thread.control.connect(name, port2, CONTROL_TIMEOUT_MS).catch(() => port2.close());
    return port1;
  }

  private keepPort(owner: string, peer: string, port: MessagePort): void {
    const kept = this.waitingPorts.get(owner) ?? new Map<string, MessagePort>();
    kept.get(peer)?.close();
    kept.set(peer, port);
    this.waitingPorts.set(owner, kept);
  }
}

function deathOf(failure: Error | undefined, code: number): DownReason {
  if (failure === undefined) return code === 0 ? "normal" : "exit";
  return (failure as NodeJS.ErrnoException).code === "ERR_WORKER_OUT_OF_MEMORY" ? "out-of-memory" : "throw";
}
