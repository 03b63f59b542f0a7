/**
 * The supervisors right below the root of a tree, each with all of its actors, as machines that can be lost and upgraded: a
 * cluster's masters and workers. What comes after the tree has been stopped, or the machine removed, does nothing.
 */
import { InkubeError } from "../../protocols/errors.ts";
import { actorsOf, isSupervisor } from "./spec.ts";
import type { Supervisor } from "./supervisor.ts";

export class Machines {
  private readonly supervisor: Supervisor;

  constructor(supervisor: Supervisor) {
    this.supervisor = supervisor;
  }

  names(): readonly string[] {
    return this.supervisor
      .spec()
      .children.filter(isSupervisor)
      .map(({ name }) => name);
  }

  /** Ends all of its actors at once. Returns how to start them again; undefined: it is down already. */
  lose(name: string): (() => Promise<void>) | undefined {
    if (!this.isUp(name)) return undefined;
    const down = ifPossible(this.supervisor.takeOut(name, { kill: true }));
    return async () => {
      await down;
      await ifPossible(this.supervisor.putBack(name));
    };
  }

  /** Stops and starts its actors from left to right, each when the one before is up. One that was taken out stays so. */
  async upgrade(name: string): Promise<void> {
    const machine = this.supervisor.spec().children.find((child) => child.name === name);
    if (machine === undefined || !isSupervisor(machine)) return;
    for (const actor of actorsOf(machine)) {
      if (!this.isUp(actor.name)) continue;
      await ifPossible(this.supervisor.takeOut(actor.name, { kill: false }));
      await ifPossible(this.supervisor.putBack(actor.name));
    }
  }

  private isUp(name: string): boolean {
    const found = this.supervisor.status().find((status) => status.name === name);
    return found !== undefined && found.state !== "ended";
  }
}

/** The tree may have been stopped or changed meanwhile; what does not come up is the supervisor's to deal with. */
async function ifPossible(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof InkubeError)) throw error;
  }
}
