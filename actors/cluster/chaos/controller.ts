/**
 * A controller under test as an actor of the simulated cluster: one for each replica, with a name and a user of its own.
 * A function gets everything from its `Env`; an incarnation ends with all that it waits for, and the next one starts from nothing
 * but what is in the API, as a process would. What the function's own file keeps in variables outlives it: keep nothing there. A
 * controller that is given as a module ends with these as well.
 */
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { secondOf } from "../../../protocols/api-faults.ts";
import type { Methods } from "../../../protocols/protocol.ts";
import { protocol } from "../../../protocols/protocol.ts";
import type { ActorDefinition, Context, Logger } from "../../../runtime/actor.ts";
import { defineActor } from "../../../runtime/actor.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { Random } from "../../../runtime/random.ts";
import type { Definitions } from "../../../runtime/simulation/simulation-host.ts";
import type { ChildSpec, SupervisorSpec } from "../../../runtime/supervisor/spec.ts";
import { BACKOFF, SHUTDOWN_MS, START_TIMEOUT_MS } from "../../../runtime/supervisor/spec.ts";
import { Client } from "../../client/client.ts";
import type { Change, Selector } from "../../client/informer.ts";
import { Informer } from "../../client/informer.ts";
import type { Resource } from "../../client/resources.ts";
import type { Reconcile } from "../../client/work-queue.ts";
import { WorkQueue } from "../../client/work-queue.ts";
import { carrying } from "../io/carried-why.ts";
import type { Modules } from "./module/modules.ts";

/** All that a controller under test has of the world. In the simulation all of it is a function of the seed. */
export interface Env {
  /** Of the replica: `web-site`, or `web-site-1` where there are several. Also its user's name in a plan of faults. */
  readonly name: string;
  readonly client: Client;
  /** A local copy of a resource; `start` it. A promise that a listener returns is waited for, and its failure ends the incarnation. */
  readonly informer: <T extends KubernetesObject>(resource: Resource<T>, selector?: Selector) => AwaitingInformer<T>;
  /** Works on keys, each anew with a growing pause until `reconcile` succeeds. */
  readonly queue: (name: string, reconcile: Reconcile) => WorkQueue;
  /** Path of a kubeconfig of its user; undefined in the simulation. */
  readonly kubeconfig: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborted when the controller is asked to stop. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

interface NamedController {
  /** A DNS label. */
  readonly name: string;
  /** Default 1. */
  readonly replicas?: number;
}

export interface StartedController extends NamedController {
  /** Called once an incarnation. What it throws or rejects with ends the incarnation, and another one is started. */
  readonly start: (env: Env) => void | Promise<void>;
}

/** A program for Node as it stands; see `module/program.ts`. */
export interface ModuleController extends NamedController {
  /**
   * Path or `file:` URL of its entry. A path is taken from the file that exports the exploration, else from the working
   * directory. The file and all that it imports are evaluated anew in each incarnation; `Date`, timers, `crypto`, `Math.random`,
   * `process`, HTTP and the kubeconfig that it finds are the simulation's.
   */
  readonly module: string | URL;
  /** Of its process, beside what a pod has, and `INKUBE_SIMULATED`. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A program in any language, as a process of this machine, against a real cluster. */
export interface CommandController extends NamedController {
  /** The program and its arguments. `KUBECONFIG` in its environment names a kubeconfig, in JSON, of a user of its own. */
  readonly command: readonly string[];
  /** Beside the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where it runs; from, and by default, the directory of the file that exports the exploration, else the working directory. */
  readonly cwd?: string;
}

/** One that somebody else runs, with the kubeconfig that is written for it, for as long as the exploration lasts. */
export interface AttachedController extends NamedController {
  readonly attach: true;
}

export type SimulatedController = StartedController | ModuleController;
export type ControllerUnderTest = SimulatedController | CommandController | AttachedController;

/** Whether it can take part in the simulation. */
export function isSimulated(controller: ControllerUnderTest): controller is SimulatedController {
  return "start" in controller || "module" in controller;
}

export interface ControllerOptions {
  readonly apiServers: readonly string[];
}

/** Closed until the cluster is up: before it there is no namespace to work in. */
export class Gate {
  isOpen = false;
  readonly opened: Promise<void>;
  private letIn: () => void = () => undefined;

  constructor() {
    this.opened = new Promise((resolve) => (this.letIn = resolve));
  }

  open(): void {
    this.isOpen = true;
    this.letIn();
  }
}

/** All start when the cluster is up, and a second one, which is there for each, when a fault starts it. */
export class Gates {
  readonly main: Gate = new Gate();
  private readonly seconds = new Map<string, Gate>();

  /** Of an actor. */
  of(name: string): Gate {
    return this.seconds.get(name) ?? this.main;
  }

  /** From its next start on it waits. */
  close(second: string): void {
    this.seconds.set(second, new Gate());
  }
}

/** Nobody asks a controller for anything. */
const controllerProtocol = protocol<Methods>("controller-under-test", {});

/** A controller that crashes again and again is started again, ever more slowly, as a pod's container is. */
const INTENSITY = { restarts: 10_000, periodMs: 1_000 };

/** Names of the actors that a controller is. */
export function replicasOf({ name, replicas = 1 }: ControllerUnderTest): readonly string[] {
  return replicas === 1 ? [name] : Array.from({ length: replicas }, (_, index) => `${name}-${index}`);
}

/** And those that faults may start beside them. */
export function secondsOf(controller: ControllerUnderTest): readonly string[] {
  return replicasOf(controller).map(secondOf);
}

/** The controllers as a part of the tree. */
export function controllersTree(
  controllers: readonly SimulatedController[],
  apiServers: readonly string[],
  gates: Gates,
  modules: Modules,
): { readonly tree: SupervisorSpec; readonly definitions: Definitions } {
  const options: ControllerOptions = { apiServers };
  const children = controllers.flatMap((controller) =>
    [...replicasOf(controller), ...secondsOf(controller)].map((name): ChildSpec => {
      const actor = kindOf(controller);
      const times = { shutdownMs: SHUTDOWN_MS, startTimeoutMs: START_TIMEOUT_MS };
      return { name, actor, options, links: apiServers, restart: "permanent", ...times };
    }),
  );
  return {
    tree: {
      name: "controllers-under-test",
      strategy: "one_for_one",
      intensity: INTENSITY,
      backoff: BACKOFF,
      startInParallel: true,
      children,
    },
    definitions: Object.fromEntries(
      controllers.map((controller) => [kindOf(controller), controllerActor(controller, gates, modules)]),
    ),
  };
}

function kindOf({ name }: ControllerUnderTest): string {
  return `controller-under-test/${name}`;
}

function controllerActor(
  controller: SimulatedController,
  gates: Gates,
  modules: Modules,
): ActorDefinition<Methods, ControllerOptions> {
  return defineActor(controllerProtocol, (ctx: Context<ControllerOptions>) => {
    const gate = gates.of(ctx.name);
    const begin =
      "module" in controller
        ? () => modules.run(ctx, controller, ctx.options.apiServers)
        : () => controller.start(envOf(ctx));
    ctx.spawn(async () => {
      if (!gate.isOpen) {
        await gate.opened;
        // From here on it runs in a turn of its own.
        await ctx.clock.sleep(0);
      }
      await begin();
    });
    return { handlers: {} };
  });
}

export function envOf(given: Context<ControllerOptions>, kubeconfig?: string): Env {
  const { ctx, run } = carrying(given);
  const client = new Client(ctx, ctx.options.apiServers, { checksBodies: true });
  // An async function is welcome wherever one without a result is; nobody else would hear of its failure.
  const watched = (result: unknown): void => {
    if (result instanceof Promise) ctx.spawn(() => result as Promise<void>);
  };
  const { clock } = ctx;
  return {
    name: ctx.name,
    client,
    informer: (resource, selector) => new AwaitingInformer(ctx, client, resource, selector ?? {}, watched),
    queue: (name, reconcile) => {
      const queue = new WorkQueue(ctx, { name });
      queue.run((key, why) => run(why, () => reconcile(key, why)));
      return queue;
    },
    kubeconfig,
    clock: {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      sleep: (delayMs) => clock.sleep(delayMs),
      after: (delayMs, action) => clock.after(delayMs, () => watched(action())),
      every: (periodMs, action) => clock.every(periodMs, () => watched(action())),
    },
    random: ctx.random,
    signal: ctx.stopping,
    log: ctx.log,
  };
}

/** An informer whose listeners may be asynchronous. */
export class AwaitingInformer<T extends KubernetesObject> extends Informer<T> {
  private readonly watched: (result: unknown) => void;

  constructor(
    ctx: Context<unknown>,
    client: Client,
    resource: Resource<T>,
    selector: Selector,
    watched: (result: unknown) => void,
  ) {
    super(ctx, client, resource, selector);
    this.watched = watched;
  }

  override onChange(listener: (change: Change<T>) => void | Promise<void>): void {
    super.onChange((change) => this.watched(listener(change)));
  }
}
