/** All that one incarnation of a module has of a machine and of the world. */
import { Console } from "node:console";
import { dirname } from "node:path";
import { Writable } from "node:stream";
import { InkubeError } from "../../../../protocols/errors.ts";
import type { Context } from "../../../../runtime/actor.ts";
import type { Address } from "../../../../runtime/net.ts";
import type { Foreign, UncaughtEvent } from "../../../../runtime/simulation/event-queue.ts";
import {
  NoRegistry,
  PLAIN,
  plainBuiltin,
  refusedBuiltin,
  StrongRef,
  virtualCrypto,
  virtualDns,
  virtualFiles,
  virtualMath,
  virtualNet,
  virtualOs,
  virtualZlib,
  VirtualProcess,
} from "./builtins.ts";
import { virtualFetch } from "./fetch.ts";
import type { Surroundings } from "./program.ts";
import { HIDDEN } from "./program.ts";
import { httpModules } from "./sockets.ts";
import {
  timerFunctions,
  timersPromises,
  virtualAbortSignal,
  virtualDate,
  virtualHrtime,
  virtualPerformance,
  VirtualTimers,
} from "./timers.ts";

export interface MachineOptions {
  readonly ctx: Context<unknown>;
  /** The module's file. */
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
  /** Names of the API servers, on which they listen. */
  readonly apiServers: readonly string[];
  readonly apiPort: number;
  readonly token: string;
  /** Ends the whole run: the module can't be simulated. */
  readonly fail: (error: InkubeError) => void;
}

/** Names of the cluster's API, as a pod knows them. */
const API_HOSTS: readonly string[] = ["kubernetes.default.svc", "kubernetes.default", "kubernetes", "10.96.0.1"];
const OWN_HOSTS: readonly string[] = ["localhost", "127.0.0.1", "0.0.0.0", "::1"];
const SERVER = "https://kubernetes.default.svc";
const KUBECONFIG = "/root/.kube/config";
const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
/** By which a module can tell where it is. */
const SIMULATED = "INKUBE_SIMULATED";
const CA = "simulated: nobody can listen in";

export class Machine implements Surroundings, Foreign {
  readonly globals: Surroundings["globals"];
  private readonly options: MachineOptions;
  private readonly process: VirtualProcess;
  private readonly made = new Map<string, object>();
  private readonly makers: ReadonlyMap<string, () => object>;

  constructor(options: MachineOptions) {
    this.options = options;
    const { ctx } = options;
    const { clock, random } = ctx;
    const refuse = (name: string): never => this.refuse(name);
    const timers = new VirtualTimers(clock);
    const functions = timerFunctions(timers);
    const cryptos = virtualCrypto(random, refuse);
    const files = virtualFiles(filesOf(options), refuse);
    const refused =
      (name: string): (() => never) =>
      () =>
        refuse(name);
    const route = (host: string, port: number): readonly Address[] => this.route(host, port);
    const web = httpModules({ net: ctx.net, timers, route, host: ctx.name, refused });
    const performance = virtualPerformance(clock);
    this.process = this.makeProcess(refuse);
    const fetch = virtualFetch(web.http, web.https);
    const given = {
      ...functions,
      process: this.process,
      Date: virtualDate(clock),
      performance,
      Math: virtualMath(random),
      crypto: cryptos.web,
      fetch,
      AbortSignal: virtualAbortSignal(timers),
      console: consoleOf(ctx),
      WeakRef: StrongRef,
      FinalizationRegistry: NoRegistry,
      WebSocket: refused("WebSocket"),
      EventSource: refused("EventSource"),
      MessageChannel: refused("MessageChannel"),
      BroadcastChannel: refused("BroadcastChannel"),
    };
    const all = Object.create(globalThis, Object.getOwnPropertyDescriptors(given)) as Record<string, unknown>;
    for (const name of ["globalThis", "global"]) Object.defineProperty(all, name, { value: all, writable: true });
    this.globals = Object.fromEntries(HIDDEN.map((name) => [name, all[name]])) as Surroundings["globals"];
    const { console } = given;
    this.makers = new Map<string, () => object>([
      ["timers", () => ({ ...functions, promises: timersPromises(timers) })],
      ["timers/promises", () => timersPromises(timers)],
      ["process", () => this.process],
      ["perf_hooks", () => refusedBuiltin("perf_hooks", refuse, { performance })],
      ["crypto", () => cryptos.node],
      ["fs", () => files.fs],
      ["fs/promises", () => files.promises],
      ["http", () => web.http],
      ["https", () => web.https],
      ["os", () => virtualOs(ctx.name, refuse)],
      ["net", () => virtualNet(refuse)],
      ["dns", () => virtualDns(refuse)],
      ["zlib", () => virtualZlib(refuse)],
      ["console", () => Object.assign(Object.create(console) as object, { Console })],
      ["worker_threads", () => refusedBuiltin("worker_threads", refuse, { isMainThread: true, threadId: 0 })],
    ]);
  }

  builtin(name: string): object {
    let found = this.made.get(name);
    if (found === undefined) {
      const make = this.makers.get(name);
      if (make !== undefined) found = make();
      else if (PLAIN.includes(name)) found = plainBuiltin(name);
      else found = refusedBuiltin(name, (what) => this.refuse(what));
      this.made.set(name, found);
    }
    return found;
  }

  uncaught(event: UncaughtEvent, error: unknown): boolean {
    return this.process.emit(event, error, event === "unhandledRejection" ? Promise.resolve() : event);
  }

  /** Asked to stop. */
  terminate(): void {
    this.process.emit("SIGTERM", "SIGTERM");
  }

  private refuse(name: string): never {
    const { ctx, file, fail } = this.options;
    const error = new InkubeError(
      "CONTROLLER_FAILED",
      `${ctx.name}: ${file} used ${name}, which reaches out of the simulation: leave it out where process.env.${SIMULATED} is set`,
    );
    fail(error);
    throw error;
  }

  private route(host: string, port: number): readonly Address[] {
    const { ctx, apiServers, apiPort } = this.options;
    if (OWN_HOSTS.includes(host)) return [{ host: ctx.name, port }];
    if (!API_HOSTS.includes(host)) return this.refuse(`the address ${host}:${port}`);
    // As the Service's address: any of them, and another one where nobody listens.
    const first = ctx.random.below(apiServers.length);
    const order = [...apiServers.slice(first), ...apiServers.slice(0, first)];
    return order.map((name) => ({ host: name, port: apiPort }));
  }

  private makeProcess(refuse: (name: string) => never): VirtualProcess {
    const { ctx, file, env } = this.options;
    const startMs = ctx.clock.monotonicMs();
    return new VirtualProcess({
      file,
      directory: dirname(file),
      env: {
        HOME: "/root",
        HOSTNAME: ctx.name,
        KUBECONFIG,
        KUBERNETES_SERVICE_HOST: "kubernetes.default.svc",
        KUBERNETES_SERVICE_PORT: "443",
        [SIMULATED]: "1",
        TZ: "UTC",
        ...env,
      },
      hrtime: virtualHrtime(ctx.clock),
      uptimeMs: () => ctx.clock.monotonicMs() - startMs,
      write: (stream, text) => ctx.log[stream === "stderr" ? "warn" : "info"](text.trimEnd()),
      exit: (code) => {
        this.process.emit("exit", code);
        const error = new Error(`process.exit(${code})`);
        ctx.spawn(() => Promise.reject(error));
        throw error;
      },
      kill: (signal) => void this.process.emit(signal, signal),
      refuse,
    });
  }
}

function filesOf({ ctx, token }: MachineOptions): ReadonlyMap<string, string> {
  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name: "inkube", cluster: { server: SERVER, "certificate-authority-data": Buffer.from(CA).toString("base64") } },
    ],
    users: [{ name: ctx.name, user: { token } }],
    contexts: [{ name: "inkube", context: { cluster: "inkube", user: ctx.name } }],
    "current-context": "inkube",
  };
  return new Map([
    [KUBECONFIG, JSON.stringify(kubeconfig)],
    [`${ACCOUNT}/token`, token],
    [`${ACCOUNT}/ca.crt`, CA],
    [`${ACCOUNT}/namespace`, "default"],
  ]);
}

/** What is printed is written to the actor's log, and so is part of the run. */
function consoleOf({ log, clock }: Context<unknown>): Console {
  const to = (write: (text: string) => void): Writable =>
    new Writable({
      decodeStrings: false,
      write: (text, _encoding, done) => {
        write(String(text).trimEnd());
        done();
      },
    });
  const console = new Console({
    stdout: to((text) => log.info(text)),
    stderr: to((text) => log.warn(text)),
    colorMode: false,
  });
  const began = new Map<string, number>();
  const tell = (label = "default", ...more: readonly unknown[]): void => {
    const tookMs = clock.monotonicMs() - (began.get(label) ?? clock.monotonicMs());
    console.log(`${label}: ${tookMs.toFixed(3)}ms`, ...more);
  };
  return Object.assign(console, {
    time: (label = "default") => void began.set(label, clock.monotonicMs()),
    timeLog: tell,
    timeEnd: (label = "default") => {
      tell(label);
      began.delete(label);
    },
  });
}
