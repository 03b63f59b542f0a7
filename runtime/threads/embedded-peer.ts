/**
 * The embedder's own thread as one more actor: it can refer to actors and watch them, and is told of their deaths. It
 * keeps the process alive no longer than the actors do.
 */
import type { MessagePort } from "node:worker_threads";
import { InkubeError } from "../../protocols/errors.ts";
import type { Methods, Protocol } from "../../protocols/protocol.ts";
import type { Context, Down, Ref } from "../actor.ts";
import { Cell } from "../cell.ts";
import { makeContext, recorderLogger } from "../context.ts";
import type { Disk } from "../disk.ts";
import { Metrics } from "../metrics/metrics.ts";
import { Recorder } from "../trace/recorder.ts";
import { RingWriter } from "../trace/ring.ts";
import { NO_OWN_FAULTS } from "../faults/boundary.ts";
import { ThreadNet } from "./net.ts";
import { OwnedClock } from "./owned-clock.ts";
import { PortLinks, atEndOfTurn, threadTurns } from "./port-links.ts";
import type { FaultCommand } from "./thread-faults.ts";
import { ActorFaults } from "./thread-faults.ts";
import { threadClock } from "./thread-clock.ts";
import { threadDisk } from "./thread-disk.ts";
import type { LocalPeer, ThreadHost } from "./thread-host.ts";
import { threadIds, threadRandom } from "./thread-ids.ts";
import { queueMicrotask } from "./machine-clock.ts";

export class EmbeddedPeer implements LocalPeer {
  readonly name: string;
  readonly context: Context<null>;
  private readonly cell: Cell;
  private readonly links: PortLinks;
  private readonly faults: ActorFaults;
  private readonly clock: OwnedClock;
  private readonly stopping = new AbortController();

  /** `links`: the actors to refer to, besides those whose specs link to `name`. `crash`: what a failure of its own code does. */
  constructor(
    name: string,
    host: ThreadHost,
    links: readonly string[] = [],
    crash: (error: unknown) => void = uncaught,
  ) {
    this.name = name;
    this.faults = new ActorFaults(
      name,
      { parts: [], generation: 0 },
      // No plan crashes it, and its disk has no faults.
      {
        die: () => undefined,
        breakLink: (peer, event) => this.links.break(this.cell, peer, event),
        notice: () => undefined,
      },
    );
    const clock = new OwnedClock(threadClock({ unref: true, skew: this.faults.boundary }), crash, () => undefined);
    const recorder = new Recorder(name, clock, new RingWriter(host.ring(name)));
    const log = recorderLogger(recorder);
    this.clock = clock;
    this.links = new PortLinks(recorder, { unref: true, gate: this.faults.gate });
    this.cell = new Cell(name, {
      clock,
      recorder,
      log,
      transmit: (peer, envelopes, refuse) => this.links.transmit(peer, envelopes, refuse),
      atEndOfTurn,
      progress: () => undefined,
      crash,
      turns: threadTurns,
    });
    this.context = makeContext<null>(this.cell, {
      name,
      incarnation: "embedded",
      options: null,
      handedOver: undefined,
      clock,
      random: threadRandom(),
      ids: threadIds(),
      disk: threadDisk(host.dataDirOf(name), { fsync: false }) satisfies Disk,
      net: new ThreadNet(),
      log,
      metrics: new Metrics(),
      recorder,
      faults: NO_OWN_FAULTS,
      stopping: this.stopping.signal,
      crash,
    });
    for (const peer of links) this.cell.declare(peer);
    host.join(this, links);
  }

  ref<M extends Methods>(protocol: Protocol<M>, name: string): Ref<M> {
    return this.cell.ref(protocol, name);
  }

  declare(peer: string): void {
    this.cell.declare(peer);
  }

  connect(peer: string, port: MessagePort): void {
    this.links.connect(this.cell, peer, port);
  }

  ending(down: Down): void {
    this.links.ending(down);
  }

  down(down: Down): void {
    this.links.down(this.cell, down);
  }

  /** Its links and its clock take part in a plan of faults; its thread is the embedding program's, and goes on. */
  fault(command: FaultCommand): void {
    if (command.do !== "set") return command.do === "break" ? this.faults.carryOut(command) : undefined;
    const parts = command.parts.map((part) => ({ ...part, faults: { ...part.faults, slowShare: 0 } }));
    this.faults.carryOut({ do: "set", parts });
  }

  /** As an actor dies whose thread lives on: nothing that it waits for is ever settled, so that its code does not run on. */
  die(): void {
    this.faults.release();
    this.cell.sever();
    this.clock.close();
    this.links.close();
  }

  /**
   * Takes no part any more. Everything that waits, for an actor or for time, is rejected now, and what is asked for later at
   * once: with `error`, by default CANCELLED.
   */
  close(error: InkubeError = new InkubeError("CANCELLED", `${this.name} takes no part any more`)): void {
    this.faults.release();
    this.stopping.abort(error);
    this.cell.close(error);
    this.clock.close(error);
    this.links.close();
  }
}

/** A listener of ours has broken an invariant; only the embedder's own handler of uncaught errors may decide. */
function uncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
