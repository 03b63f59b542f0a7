/**
 * The control door of a thread: Comlink over a port of its own, for the few calls between the supervisor and the thread.
 * Comlink alone leaves a call to a thread that has died pending for ever and strips errors of their codes, so every call
 * goes through `ControlDoor`: raced with the thread's death and a deadline, with errors as data.
 */
import type { MessagePort } from "node:worker_threads";
import { releaseProxy, transfer, wrap } from "comlink";
import type { Remote } from "comlink";
import type { ErrorData } from "../../protocols/errors.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { Down } from "../actor.ts";
import type { Question } from "./introspection.ts";
import type { FaultCommand, FaultNotice } from "./thread-faults.ts";
import { clearTimeout, setTimeout } from "./machine-clock.ts";

/** What a thread offers its supervisor. */
export interface ThreadControl {
  /** Starts the actor; resolves when its `start` has. What it threw comes back as data. */
  start(): Promise<StartOutcome>;
  /** Stops the actor gracefully and ends the thread. */
  stop(why: StopReason): void;
  /** The actor may refer to that one from now on. */
  declare(peer: string): void;
  connect(peer: string, port: MessagePort): void;
  /** A linked actor is being ended. */
  ending(down: Down): void;
  /** A linked actor has ended. */
  down(down: Down): void;
  inspect(): ThreadStatistics;
  /** For the answers see `Introspection`. */
  introspect(question: Question): unknown;
  /** Faults of a plan. */
  fault(command: FaultCommand): void;
  /** Moves the counter that the watchdog looks at. */
  ping(): void;
}

/** `normal`: it was asked for. `heap-guard`: its heap is nearly full. */
export type StopReason = "normal" | "heap-guard";

export type StartOutcome =
  | { readonly started: true }
  | { readonly started: false; readonly error: ErrorData; readonly stack: string };

export interface ThreadStatistics {
  /** Messages waiting or under way. */
  readonly mailboxDepth: number;
  readonly heapUsedBytes: number;
}

export class ControlDoor {
  private readonly actor: string;
  private readonly port: MessagePort;
  private readonly remote: Remote<ThreadControl>;
  private readonly pending = new Set<(error: Error) => void>();
  private closed = false;

  /** `onNotice`: what the actor tells of faults of its own protocol. */
  constructor(actor: string, port: MessagePort, onNotice: (notice: FaultNotice) => void = () => undefined) {
    this.actor = actor;
    this.port = port;
    // Comlink passes over what has no id.
    port.on("message", (message: { readonly notice?: FaultNotice } | undefined) => {
      if (message?.notice !== undefined) onNotice(message.notice);
    });
    this.remote = wrap<ThreadControl>(port);
  }

  start(timeoutMs: number): Promise<StartOutcome> {
    // Comlink's types spread a union over the promise.
    return this.race(() => this.remote.start() as Promise<StartOutcome>, timeoutMs, "start");
  }

  stop(why: StopReason, timeoutMs: number): Promise<void> {
    return this.race(() => this.remote.stop(why), timeoutMs, "stop");
  }

  inspect(timeoutMs: number): Promise<ThreadStatistics> {
    return this.race(() => this.remote.inspect(), timeoutMs, "inspect");
  }

  introspect(question: Question, timeoutMs: number): Promise<unknown> {
    return this.race(async () => (await this.remote.introspect(question)) as unknown, timeoutMs, question.ask);
  }

  declare(peer: string, timeoutMs: number): Promise<void> {
    return this.race(() => this.remote.declare(peer), timeoutMs, "declare");
  }

  connect(peer: string, port: MessagePort, timeoutMs: number): Promise<void> {
    return this.race(() => this.remote.connect(peer, transfer(port, [port])), timeoutMs, "connect");
  }

  fault(command: FaultCommand, timeoutMs: number): Promise<void> {
    return this.race(() => this.remote.fault(command), timeoutMs, "fault");
  }

  ending(down: Down, timeoutMs: number): Promise<void> {
    return this.race(() => this.remote.ending(down), timeoutMs, "ending");
  }

  down(down: Down, timeoutMs: number): Promise<void> {
    return this.race(() => this.remote.down(down), timeoutMs, "down");
  }

  ping(timeoutMs: number): Promise<void> {
    return this.race(() => this.remote.ping(), timeoutMs, "ping");
  }

  /** The thread is gone: every call under way is rejected now. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    const error = new InkubeError("ACTOR_DOWN", `${this.actor} is down`, { retryable: true });
    for (const reject of this.pending) reject(error);
    this.pending.clear();
    this.remote[releaseProxy]();
    this.port.close();
  }

  private race<T>(call: () => Promise<T>, timeoutMs: number, method: string): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.closed) return reject(new InkubeError("ACTOR_DOWN", `${this.actor} is down`, { retryable: true }));
      const fail = (error: Error): void => {
        clearTimeout(timer);
        this.pending.delete(fail);
        reject(error);
      };
      const timer = setTimeout(() => {
        fail(
          new InkubeError("DEADLINE_EXCEEDED", `${this.actor} did not answer ${method} within ${timeoutMs} ms`, {
            retryable: true,
          }),
        );
      }, timeoutMs);
      this.pending.add(fail);
      call().then((value) => {
        clearTimeout(timer);
        this.pending.delete(fail);
        resolve(value);
      }, fail);
    });
  }
}
