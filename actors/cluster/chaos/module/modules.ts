/** Controllers under test that are given as modules: their compiled files, and what one world has of them. */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { InkubeError } from "../../../../protocols/errors.ts";
import type { Context } from "../../../../runtime/actor.ts";
import type { Foreign } from "../../../../runtime/simulation/event-queue.ts";
import type { TokenUser } from "../../../api-server/core/identity.ts";
import type { ModuleController, SimulatedController } from "../controller.ts";
import { replicasOf, secondsOf } from "../controller.ts";
import { Evaluation } from "./evaluation.ts";
import { Machine } from "./machine.ts";
import { Program } from "./program.ts";

export const API_PORT = 6_443;

/** Compiled files, for all worlds of one exploration: what is on the disk is read once. */
export class Programs {
  private readonly programs = new Map<string, Program>();

  /** Errors: CONTROLLER_FAILED. */
  of({ module }: ModuleController): Program {
    const file = fileOf(module);
    let program = this.programs.get(file);
    if (program === undefined) {
      program = new Program(file);
      this.programs.set(file, program);
    }
    return program;
  }
}

export function fileOf(module: string | URL): string {
  return module instanceof URL || module.startsWith("file:") ? fileURLToPath(module) : resolve(module);
}

/** Of one world. */
export class Modules {
  readonly foreign: Map<string, Foreign> = new Map();
  readonly tokens: TokenUser[] = [];
  private readonly machines = new Map<string, Machine>();
  private readonly programs: Programs;
  private readonly fail: (error: InkubeError) => void;

  /** Errors: CONTROLLER_FAILED. */
  constructor(controllers: readonly SimulatedController[], programs: Programs, fail: (error: InkubeError) => void) {
    this.programs = programs;
    this.fail = fail;
    for (const controller of controllers) {
      if (!("module" in controller)) continue;
      programs.of(controller);
      for (const name of [...replicasOf(controller), ...secondsOf(controller)]) {
        const uncaught: Foreign["uncaught"] = (event, error) =>
          this.machines.get(name)?.uncaught(event, error) ?? false;
        this.foreign.set(name, { uncaught });
        // As an actor of that name is known by its link.
        this.tokens.push({ token: tokenOf(name), user: `inkube:${name}`, groups: [] });
      }
    }
  }

  /** One incarnation: resolves when its files have been evaluated, and goes on after that. */
  async run(ctx: Context<unknown>, controller: ModuleController, apiServers: readonly string[]): Promise<void> {
    const program = this.programs.of(controller);
    const machine = new Machine({
      ctx,
      file: program.entry,
      env: controller.env ?? {},
      apiServers,
      apiPort: API_PORT,
      token: tokenOf(ctx.name),
      fail: this.fail,
    });
    this.machines.set(ctx.name, machine);
    ctx.stopping.addEventListener("abort", () => machine.terminate());
    await new Evaluation(program, machine).import(program.entry);
  }
}

function tokenOf(name: string): string {
  return `token-of-${name}`;
}
