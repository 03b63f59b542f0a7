/**
 * A real cluster on threads for all runs of an exploration, one after the other: taken back to its start between them. Each
 * replica of a controller has a user of its own, so that faults can be for it alone.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { InkubeError } from "../../../../protocols/errors.ts";
import type { FaultPlan } from "../../../../runtime/faults/plan.ts";
import type { Cluster } from "../../cluster.ts";
import type { ControllerUnderTest } from "../controller.ts";
import { replicasOf, secondsOf } from "../controller.ts";
import type { ClusterSize } from "../world.ts";
import { Attached } from "./attached.ts";
import { Command } from "./command.ts";
import type { Body } from "./incarnation.ts";
import { InProcess } from "./in-process.ts";
import { Life } from "./life.ts";
import { Lookout } from "./lookout.ts";
import { realPace } from "./pace.ts";
import { RealWorld } from "./real-world.ts";

export interface StageOptions {
  readonly controllers: readonly ControllerUnderTest[];
  readonly cluster: Required<ClusterSize>;
  readonly quietMs: number;
  readonly seed: number;
}

/** What there is to tell of a controller that is to be attached. */
export interface Attachable {
  readonly name: string;
  readonly kubeconfig: string;
}

/** A program on a busy machine: from its start to its first request. */
const START_MS = 30_000;
/** As in the simulation: nobody asks for the roles and flow schemas here, and when they come is a matter of timing. */
const NO_INITIAL_OBJECTS_MS = 86_400_000;
/** Somebody has to start it first. */
const ATTACH_MS = 600_000;
const IDLE_EVENTS = { printed: () => undefined, ended: () => undefined, failed: () => undefined };

export class RealStage {
  /** Where kubeconfigs of controllers that are to be attached are written. */
  directory = "chaos";
  onAttachable: (attachable: Attachable) => void = () => undefined;
  private readonly options: StageOptions;
  private readonly lives = new Map<string, Life>();
  private readonly tokens: ReadonlyMap<string, string>;
  private readonly written: string[] = [];
  private booting: Promise<Cluster> | undefined;
  private cluster: Cluster | undefined;
  private scratch = "";
  private current: RealWorld | undefined;
  private lookout: Lookout | undefined;
  private isClosed = false;

  constructor(options: StageOptions) {
    this.options = options;
    const names = options.controllers.flatMap((each) => [...replicasOf(each), ...secondsOf(each)]);
    this.tokens = new Map(names.map((name) => [name, randomBytes(24).toString("base64url")]));
  }

  /** Who can't be paused. */
  get tireless(): readonly string[] {
    const { controllers } = this.options;
    return controllers.flatMap((each) => ("start" in each ? [...replicasOf(each), ...secondsOf(each)] : []));
  }

  /** Of the next run; the one before is closed. Errors: those of `Cluster.start` and `reset`. */
  async world(plan: FaultPlan): Promise<RealWorld> {
    const isFirst = this.booting === undefined;
    this.booting ??= this.boot();
    const cluster = await this.booting;
    if (!isFirst) await cluster.reset();
    await this.lookout?.settled();
    const { controllers, quietMs, seed } = this.options;
    const isAttached = controllers.some((each) => "attach" in each);
    this.current = new RealWorld({
      cluster,
      lives: this.lives,
      seconds: controllers.flatMap(secondsOf).filter((name) => this.lives.has(name)),
      tireless: this.tireless,
      plan,
      seed,
      pace: realPace(quietMs),
      startMs: isAttached ? ATTACH_MS : START_MS,
    });
    return this.current;
  }

  /** Leaves no process, no thread and no file behind. Safe to call twice. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.lookout?.close();
    await this.booting?.catch(() => undefined);
    await this.current?.close();
    await Promise.all([...this.lives.values()].map((life) => life.close()));
    await this.cluster?.stop();
    for (const path of [this.scratch, ...this.written]) if (path !== "") rmSync(path, { recursive: true, force: true });
  }

  private async boot(): Promise<Cluster> {
    const tokens = [...this.tokens].map(([name, token]) => ({
      token,
      user: `inkube:${name}`,
      groups: ["system:masters"],
    }));
    const { masters, workers } = this.options.cluster;
    // Loaded when it is needed: simulated explorations have no use for it.
    const { Cluster } = await import("../../cluster.ts");
    const cluster = await Cluster.standIn(
      { masters, workers, pods: "simulated", name: "inkube-chaos" },
      { tokens, initialObjectsAfterMs: NO_INITIAL_OBJECTS_MS },
    );
    this.cluster = cluster;
    if (this.isClosed) throw new InkubeError("CANCELLED", "the exploration was ended");
    this.scratch = mkdtempSync(join(tmpdir(), "inkube-chaos-"));
    for (const controller of this.options.controllers) {
      // Nobody can start a second one of what somebody else runs.
      const names =
        "attach" in controller ? replicasOf(controller) : [...replicasOf(controller), ...secondsOf(controller)];
      for (const name of names) {
        const body = await this.bodyOf(cluster, controller, name);
        this.lives.set(name, new Life(name, body, cluster.seat.context.clock, IDLE_EVENTS));
      }
    }
    const { context, apiServers } = cluster.seat;
    this.lookout = new Lookout(context, [...this.lives.keys()], {
      saw: (seen) => this.current?.saw(seen),
      missed: (why) => this.current?.missed(why),
    });
    await this.lookout.start(apiServers);
    return cluster;
  }

  private async bodyOf(cluster: Cluster, controller: ControllerUnderTest, name: string): Promise<Body> {
    if ("attach" in controller) {
      const { hostname, port } = new URL(cluster.server);
      const attached = await Attached.open({ host: hostname, port: Number(port) });
      const kubeconfig = resolve(this.directory, `${name}.kubeconfig`);
      this.writeKubeconfig(cluster, kubeconfig, name, attached.url);
      this.written.push(kubeconfig);
      this.onAttachable({ name, kubeconfig });
      return attached;
    }
    const kubeconfig = join(this.scratch, `${name}.kubeconfig`);
    this.writeKubeconfig(cluster, kubeconfig, name, cluster.server);
    if ("start" in controller) {
      const { seat } = cluster;
      return new InProcess(controller, (onCrash) => seat.join(name, onCrash), seat.apiServers, kubeconfig);
    }
    if (!("command" in controller)) throw new Error(`${name} is a module, which takes part in the simulation only`);
    // What tells replicas apart where nothing else does: a pod's host name is its own.
    const env = { HOSTNAME: name, ...controller.env, KUBECONFIG: kubeconfig };
    return new Command({ name, argv: controller.command, cwd: resolve(controller.cwd ?? ""), env });
  }

  /** JSON, which is YAML as well: a program needs no library to read it. Errors: OUTPUT_FAILED. */
  private writeKubeconfig(cluster: Cluster, path: string, name: string, server: string): void {
    const config = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: "inkube-chaos",
          cluster: { server, "certificate-authority-data": Buffer.from(cluster.authority).toString("base64") },
        },
      ],
      users: [{ name, user: { token: this.tokens.get(name) } }],
      contexts: [{ name, context: { cluster: "inkube-chaos", user: name } }],
      "current-context": name,
    };
    try {
      mkdirSync(resolve(path, ".."), { recursive: true });
      writeFileSync(path, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
    } catch (error) {
      throw new InkubeError("OUTPUT_FAILED", `${path} can't be written: ${(error as Error).message}`, { cause: error });
    }
  }
}
