/** An API server's shell on real time, in front of the fake etcd. */
import { afterEach, expect } from "vitest";
import type { Outward } from "../../../../../actors/api-server/api-server.ts";
import { apiServerActor } from "../../../../../actors/api-server/api-server.ts";
import type { OpenDoor } from "../../../../../actors/api-server/backend.ts";
import { noDoor } from "../../../../../actors/api-server/backend.ts";
import { plainTokenKeys } from "../../../../../actors/api-server/plain-token-keys.ts";
import type { OpenTokenKeys } from "../../../../../actors/api-server/token-keys.ts";
import type { ApiServerOptions } from "../../../../../actors/api-server/spec.ts";
import { API_SERVER_DEFAULTS } from "../../../../../actors/api-server/spec.ts";
import type {
  ApiRequest,
  ApiServerMethods,
  ApiWatchEvent,
  ApiWatchRequest,
  KubernetesObject,
} from "../../../../../protocols/api-server.ts";
import type { Actor, Context, Sink } from "../../../../../runtime/actor.ts";
import type { OwnFaults } from "../../../../../runtime/faults/boundary.ts";
import { NO_OWN_FAULTS } from "../../../../../runtime/faults/boundary.ts";
import { FrameCodec, ITEM } from "../../../../../runtime/frame.ts";
import { Metrics } from "../../../../../runtime/metrics/metrics.ts";
import { SeededRandom } from "../../../../../runtime/random.ts";
import { traceOf } from "../../../../../runtime/context.ts";
import { TraceLog } from "../../../../../runtime/simulation/trace-log.ts";
import type { TraceEvent } from "../../../../../runtime/trace/event.ts";
import { Recorder } from "../../../../../runtime/trace/recorder.ts";
import { FakeEtcd } from "./fake-etcd.ts";

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export interface TestServer {
  readonly etcd: FakeEtcd;
  readonly actor: Actor<ApiServerMethods>;
  /** What killed the actor, if anything did. */
  readonly crashes: unknown[];
  /** What it has recorded. */
  events(): readonly TraceEvent[];
  request(this: void, request: ApiRequest, timeoutMs?: number): Promise<KubernetesObject>;
  watch(this: void, request: ApiWatchRequest): TestWatch;
  stop(): Promise<void>;
}

export interface TestWatch {
  readonly events: ApiWatchEvent[];
  readonly ended: Promise<Error | undefined>;
  /** Resolves when `count` events have come. */
  until(count: number): Promise<readonly ApiWatchEvent[]>;
  cancel(): void;
}

let seed = 1;

export async function startServer(
  options: Partial<ApiServerOptions> = {},
  openDoor: OpenDoor = noDoor,
  etcd: FakeEtcd = new FakeEtcd(),
  openKeys: OpenTokenKeys = plainTokenKeys,
  outward: Partial<Outward> = {},
  faults: OwnFaults = NO_OWN_FAULTS,
): Promise<TestServer> {
  const crashes: unknown[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const stopping = new AbortController();
  const random = new SeededRandom(seed++, "test");
  const clock: Context["clock"] = {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    after: (delayMs, action) => {
      const timer = setTimeout(() => {
        timers.delete(timer);
        action();
      }, delayMs);
      timers.add(timer);
      return { cancel: () => clearTimeout(timer) };
    },
    every: (periodMs, action) => {
      const timer = setInterval(action, periodMs);
      timers.add(timer);
      return { cancel: () => clearInterval(timer) };
    },
    sleep: (delayMs) => new Promise((resolve) => clock.after(delayMs, resolve)),
  };
  const recorded = new TraceLog();
  const ctx = {
    name: "api-server-0",
    incarnation: "test",
    faults,
    options: {
      ...API_SERVER_DEFAULTS,
      members: ["etcd-0", "etcd-1"],
      tokens: [{ token: "secret", user: "admin", groups: ["system:masters"] }],
      kubeletToken: "kubelet-secret",
      ...options,
    },
    clock,
    random,
    ids: {
      unique: () => String(random.below(1e9)),
      uuid: () => `00000000-0000-4000-8000-${String(random.below(1e12)).padStart(12, "0")}`,
      suffix: (length: number) =>
        random
          .next()
          .toString(36)
          .slice(2, 2 + length)
          .padEnd(length, "x"),
    },
    log: quiet,
    metrics: new Metrics(),
    trace: traceOf(new Recorder("api-server-0", clock, recorded.sink("api-server-0"))),
    stopping: stopping.signal,
    ref: (_protocol: unknown, name: string) => etcd.ref(name),
    monitor: () => {},
    spawn: (work: () => Promise<void>) => {
      work().catch((error: unknown) => crashes.push(error));
    },
  } as unknown as Context<ApiServerOptions>;
  const actor = await apiServerActor(openDoor, openKeys, outward).start(ctx);
  const message = {
    from: "cluster",
    signal: new AbortController().signal,
    timeoutMs: 10_000,
    cause: "",
    stash: neverStashed,
  };
  const server: TestServer = {
    events: () => recorded.events,
    etcd,
    actor,
    crashes,
    request: async (request, timeoutMs = 10_000) =>
      overLink(
        (await actor.handlers.request(request, { ...message, signal: new AbortController().signal, timeoutMs })).object,
      ),
    watch: (request) => openWatch(actor, request),
    stop: async () => {
      stopping.abort();
      await actor.stop?.();
      for (const timer of timers) clearTimeout(timer);
    },
  };
  await actor.handlers.ready(null, message);
  return server;
}

/** `startServer` for a test file: after each test its servers are stopped, and none of them has crashed. */
export function serversOfTests(): typeof startServer {
  const running: TestServer[] = [];
  afterEach(async () => {
    for (const server of running.splice(0)) {
      await server.stop();
      expect(server.crashes).toEqual([]);
    }
  });
  return async (...args) => {
    const server = await startServer(...args);
    running.push(server);
    return server;
  };
}

/** As the reader gets it. */
function overLink<T>(value: T): T {
  const [envelope] = new FrameCodec(2).decode(new FrameCodec(1).encode(1, [[ITEM, 1, value]])).envelopes;
  return envelope?.[2] as T;
}

function neverStashed(): never {
  throw new Error("an API server puts nothing aside");
}

function openWatch(actor: Actor<ApiServerMethods>, request: ApiWatchRequest): TestWatch {
  const events: ApiWatchEvent[] = [];
  const controller = new AbortController();
  const waiting: { readonly count: number; readonly resolve: (events: readonly ApiWatchEvent[]) => void }[] = [];
  let end: (error: Error | undefined) => void = () => {};
  const ended = new Promise<Error | undefined>((resolve) => (end = resolve));
  const sink: Sink<ApiWatchEvent> = {
    from: "cluster",
    signal: controller.signal,
    timeoutMs: Infinity,
    cause: "",
    stash: neverStashed,
    buffered: 0,
    push: (event) => {
      events.push(overLink(event));
      for (const each of waiting) if (events.length >= each.count) each.resolve(events);
    },
    end: (error) => end(error),
  };
  Promise.resolve(actor.handlers.watch(request, sink)).catch((error: Error) => end(error));
  return {
    events,
    ended,
    until: (count) =>
      new Promise((resolve) => (events.length >= count ? resolve(events) : waiting.push({ count, resolve }))),
    cancel: () => controller.abort(),
  };
}
