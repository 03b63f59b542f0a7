/**
 * One actor on a thread: its cell, its context, its links and its control door. Whether the thread is its own or shared
 * with others is the matter of its `Seat`; the actor can't tell.
 */
import type { MessagePort } from "node:worker_threads";
import { expose } from "comlink";
import { InkubeError } from "../../protocols/errors.ts";
import type { Methods } from "../../protocols/protocol.ts";
import type { Actor, ActorDefinition, Mark } from "../actor.ts";
import { Cell } from "../cell.ts";
import { makeContext, recorderLogger } from "../context.ts";
import { FaultyDisk } from "../faults/faulty-disk.ts";
import { Metrics } from "../metrics/metrics.ts";
import { Recorder } from "../trace/recorder.ts";
import { RingWriter } from "../trace/ring.ts";
import { trackConnections } from "./connections.ts";
import type { StartOutcome, ThreadControl } from "./control.ts";
import { Introspection } from "./introspection.ts";
import { ThreadNet } from "./net.ts";
import { OwnedClock } from "./owned-clock.ts";
import { OwnedDisk } from "./owned-disk.ts";
import { PortLinks, atEndOfTurn, threadTurns } from "./port-links.ts";
import type { GivenFaults } from "./thread-faults.ts";
import { ActorFaults } from "./thread-faults.ts";
import { threadClock } from "./thread-clock.ts";
import { threadDisk } from "./thread-disk.ts";
import { threadIds, threadRandom } from "./thread-ids.ts";
import { measureThread } from "./thread-metrics.ts";
import { setImmediate } from "./machine-clock.ts";
import { detailsOf } from "./worker-thread.ts";

/** What the host hands an actor's thread. */
export interface ThreadStart {
  /** File of the actor's bundle. */
  readonly bundle: string;
  readonly name: string;
  readonly incarnation: string;
  /** What the actor may take of its heap; undefined where it is all that its thread may. */
  readonly heapLimitMb?: number;
  readonly options: unknown;
  readonly handedOver: unknown;
  readonly declared: readonly string[];
  readonly links: readonly { readonly peer: string; readonly port: MessagePort }[];
  readonly control: MessagePort;
  readonly ring: SharedArrayBuffer;
  /** One 32-bit counter that moves with every message handled. */
  readonly progress: SharedArrayBuffer;
  /** One 32-bit counter of the connections that the thread has accepted and that are open. */
  readonly connections: SharedArrayBuffer;
  readonly diskRoot: string;
  readonly fsync: boolean;
  readonly faults: GivenFaults;
  /** What its start comes of. */
  readonly origin: Mark;
}

/** How an actor's end reaches its thread. */
export interface Seat {
  /** Whether the thread outlives the actor, so that everything it holds must be given back one by one. */
  readonly shared: boolean;
  /** The actor is up. */
  started(): void;
  /** The actor has stopped as it was asked to. */
  stopped(): void;
  /** The actor has broken an invariant. Called once. */
  crashed(error: unknown): void;
}

export interface HostedActor {
  /** Ends the actor at once, on a thread that lives on: nothing of it runs, waits or is open when the promise resolves. */
  release(): Promise<void>;
}

/** Starts an actor of the bundle that it comes from on the thread that it is called on. */
export type Launch = (given: ThreadStart, seat: Seat) => HostedActor;

/** Everything of an actor that its thread's end would take along. */
class Holdings {
  readonly clock: OwnedClock;
  readonly disk: OwnedDisk;
  readonly net: ThreadNet;
  private readonly onEnd: (() => void)[] = [];

  constructor(given: ThreadStart, faults: ActorFaults, crash: (error: unknown) => void) {
    const progress = new Int32Array(given.progress);
    const clock = threadClock({ unref: false, skew: faults.boundary });
    this.clock = new OwnedClock(clock, crash, () => void Atomics.add(progress, 0, 1));
    this.disk = new OwnedDisk(threadDisk(given.diskRoot, { fsync: given.fsync }));
    this.net = new ThreadNet((work) => {
      try {
        work();
      } catch (error) {
        crash(error);
      }
    });
  }

  keep(release: () => void): void {
    this.onEnd.push(release);
  }

  async release(): Promise<void> {
    this.clock.close();
    this.net.close();
    for (const release of this.onEnd.splice(0).reverse()) release();
    await this.disk.close();
  }
}

export function launchActor<M extends Methods, Options>(
  definition: ActorDefinition<M, Options>,
  given: ThreadStart,
  seat: Seat,
): HostedActor {
  let actor: Actor<M> | undefined;
  let dead = false;
  const crash = (error: unknown): void => {
    if (dead) return;
    dead = true;
    const said = { error: String((error as Error | undefined)?.stack ?? error) };
    const event = recorder.mark(recorder.name(recorder.event("crash", given.name, said)));
    // None of its code runs on: what it throws after this would be a consequence, and be taken for the cause.
    cell.sever();
    links.farewell("throw", detailsOf(asError(error), undefined), event);
    seat.crashed(error);
  };
  const faults = new ActorFaults(given.name, given.faults, {
    die: crash,
    breakLink: (peer, event) => links.break(cell, peer, event),
    notice: (notice) => given.control.postMessage({ notice }),
  });
  const holdings = seat.shared ? new Holdings(given, faults, crash) : undefined;
  const clock = holdings?.clock ?? threadClock({ unref: false, skew: faults.boundary });
  const recorder = new Recorder(given.name, clock, new RingWriter(given.ring));
  const log = recorderLogger(recorder);
  const progress = new Int32Array(given.progress);
  const stopping = new AbortController();
  const links = new PortLinks(recorder, { unref: false, gate: faults.gate });
  const cell = new Cell(given.name, {
    clock,
    recorder,
    log,
    transmit: (peer, envelopes, refuse) => links.transmit(peer, envelopes, refuse),
    atEndOfTurn,
    // Only this thread writes it.
    progress: () => void progress[0]!++,
    crash,
    turns: threadTurns,
  });
  for (const peer of given.declared) cell.declare(peer);
  const metrics = new Metrics();
  measureThread(metrics, cell);
  const context = makeContext<Options>(cell, {
    name: given.name,
    incarnation: given.incarnation,
    options: given.options as Options,
    handedOver: given.handedOver,
    clock,
    random: threadRandom(),
    ids: threadIds(),
    disk: new FaultyDisk(holdings?.disk ?? threadDisk(given.diskRoot, { fsync: given.fsync }), faults.boundary),
    net: holdings?.net ?? new ThreadNet(),
    log,
    metrics,
    recorder,
    faults: faults.boundary.own,
    stopping: stopping.signal,
    crash,
    onEnd: (release) => holdings?.keep(release),
  });

  const introspection = new Introspection(cell, metrics, () => actor);
  const control: ThreadControl = {
    start: async (): Promise<StartOutcome> => {
      const begin = (): Actor<M> | Promise<Actor<M>> => {
        for (const { peer, port } of given.links) links.connect(cell, peer, port);
        return definition.start(context);
      };
      try {
        actor = await recorder.start(given.name, given.incarnation, given.origin, begin);
      } catch (error) {
        const data =
          error instanceof InkubeError
            ? error.toData()
            : { code: "START_FAILED", message: String(error), retryable: true };
        return { started: false, error: data, stack: error instanceof Error ? (error.stack ?? "") : "" };
      }
      cell.activate(definition.protocol, actor.handlers);
      seat.started();
      return { started: true };
    },
    stop: (why) => {
      const end = async (): Promise<void> => {
        if (why === "normal") recorder.event("stop", given.name);
        else recorder.event("stop", given.name, { reason: why });
        stopping.abort();
        await actor?.stop?.();
        cell.close();
        links.farewell("normal", {});
        // What the last turn sent has been posted by then, and what is posted is delivered.
        setImmediate(() => seat.stopped());
      };
      end().catch(crash);
    },
    declare: (peer) => cell.declare(peer),
    connect: (peer, port) => links.connect(cell, peer, port),
    ending: (down) => links.ending(down),
    down: (down) => links.down(cell, down),
    fault: (command) => faults.carryOut(command),
    ping: () => void Atomics.add(progress, 0, 1),
    leave: () => {
      hasToLeave = true;
      process.exit(1);
    },
    introspect: (question) => introspection.answer(question),
    inspect: () => ({ mailboxDepth: cell.depth, heapUsedBytes: process.memoryUsage().heapUsed }),
  };
  let hasToLeave = false;
  if (!seat.shared) {
    const dropConnections = trackConnections(given.connections);
    // Its thread's ends that don't come by us: what is thrown outside of the actor's turns, and an exit that it asks for itself.
    process.on("uncaughtExceptionMonitor", (error) => links.farewell("throw", detailsOf(error, undefined)));
    process.on("exit", (exitCode) => {
      dropConnections();
      // Who has to leave is told of by its host.
      if (!hasToLeave) links.farewell(exitCode === 0 ? "normal" : "exit", { exitCode });
    });
  }
  expose(control, given.control);
  return {
    release: async () => {
      dead = true;
      cell.sever();
      faults.release();
      links.close();
      given.control.close();
      await holdings?.release();
    },
  };
}

/** What was thrown, which may be anything. */
function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
