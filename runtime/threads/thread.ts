/** An actor's own thread, from the inside: `runActor` is what each actor's `index.ts` calls. */
import type { MessagePort } from "node:worker_threads";
import { workerData } from "node:worker_threads";
import { expose } from "comlink";
import { InkubeError } from "../../protocols/errors.ts";
import type { Methods } from "../../protocols/protocol.ts";
import type { Actor, ActorDefinition } from "../actor.ts";
import { Cell } from "../cell.ts";
import { makeContext, recorderLogger } from "../context.ts";
import { Recorder } from "../trace/recorder.ts";
import { RingWriter } from "../trace/ring.ts";
import type { StartOutcome, ThreadControl } from "./control.ts";
import { ThreadNet } from "./net.ts";
import { PortLinks, atEndOfTurn } from "./port-links.ts";
import { threadClock } from "./thread-clock.ts";
import { threadDisk } from "./thread-disk.ts";
import { threadIds, threadRandom } from "./thread-ids.ts";

/** What the host hands a new thread. */
export interface ThreadStart {
  /** File of the actor's bundle. */
  readonly bundle: string;
  readonly name: string;
  readonly incarnation: string;
  readonly options: unknown;
  readonly declared: readonly string[];
  readonly links: readonly { readonly peer: string; readonly port: MessagePort }[];
  readonly control: MessagePort;
  readonly ring: SharedArrayBuffer;
  /** One 32-bit counter that moves with every message handled. */
  readonly progress: SharedArrayBuffer;
  readonly diskRoot: string;
  readonly fsync: boolean;
}

export function runActor<M extends Methods, Options>(definition: ActorDefinition<M, Options>): void {
  const given = workerData as ThreadStart;
  const clock = threadClock({ unref: false });
  const recorder = new Recorder(given.name, clock, new RingWriter(given.ring));
  const log = recorderLogger(recorder);
  const progress = new Int32Array(given.progress);
  const stopping = new AbortController();
  const links = new PortLinks(recorder, { unref: false });
  const crash = (error: unknown): void => {
    recorder.event("crash", given.name, { error: String((error as Error | undefined)?.stack ?? error) });
    cell.close();
    // Outside of any promise, so that it ends the thread with this error as its reason.
    process.nextTick(() => {
      throw error;
    });
  };
  const cell = new Cell(given.name, {
    clock,
    recorder,
    log,
    transmit: (peer, envelopes) => links.transmit(peer, envelopes),
    atEndOfTurn,
    progress: () => void Atomics.add(progress, 0, 1),
    crash,
  });
  for (const peer of given.declared) cell.declare(peer);
  const context = makeContext<Options>(cell, {
    name: given.name,
    incarnation: given.incarnation,
    options: given.options as Options,
    clock,
    random: threadRandom(),
    ids: threadIds(),
    disk: threadDisk(given.diskRoot, { fsync: given.fsync }),
    net: new ThreadNet(),
    log,
    recorder,
    stopping: stopping.signal,
    crash,
  });

  let actor: Actor<M> | undefined;
  const control: ThreadControl = {
    start: async (): Promise<StartOutcome> => {
      recorder.event("start", given.name, { incarnation: given.incarnation });
      for (const { peer, port } of given.links) links.connect(cell, peer, port);
      try {
        actor = await definition.start(context);
      } catch (error) {
        const data =
          error instanceof InkubeError
            ? error.toData()
            : { code: "START_FAILED", message: String(error), retryable: true };
        return { started: false, error: data, stack: error instanceof Error ? (error.stack ?? "") : "" };
      }
      cell.activate(definition.protocol, actor.handlers);
      setImmediate(() => (globalThis as { inkubeSaveCodeCache?: () => void }).inkubeSaveCodeCache?.());
      return { started: true };
    },
    stop: () => {
      const end = async (): Promise<void> => {
        recorder.event("stop", given.name);
        stopping.abort();
        await actor?.stop?.();
        cell.close();
        // What the last turn sent has been posted by then, and what is posted is delivered.
        setImmediate(() => process.exit(0));
      };
      end().catch(crash);
    },
    connect: (peer, port) => links.connect(cell, peer, port),
    inspect: () => ({ mailboxDepth: cell.depth, heapUsedBytes: process.memoryUsage().heapUsed }),
  };
  expose(control, given.control);
}
