/** Names of objects that have something left to be done, each until it is done, one at a time. */
import type { Context } from "../../runtime/actor.ts";

export class Settling {
  private readonly ctx: Pick<Context<unknown>, "spawn" | "stopping">;
  private readonly isOpen: (name: string) => boolean;
  private readonly attempt: (name: string) => Promise<boolean>;
  private readonly open = new Set<string>();
  private isRunning = false;

  /**
   * @param isOpen whether anything is left to be done
   * @param attempt does it; gives whether nothing is left, else it is tried again at once
   */
  constructor(
    ctx: Pick<Context<unknown>, "spawn" | "stopping">,
    isOpen: (name: string) => boolean,
    attempt: (name: string) => Promise<boolean>,
  ) {
    this.ctx = ctx;
    this.isOpen = isOpen;
    this.attempt = attempt;
  }

  settle(names: readonly string[]): void {
    for (const name of names) if (this.isOpen(name)) this.open.add(name);
    if (this.isRunning || this.open.size === 0) return;
    this.isRunning = true;
    this.ctx.spawn(async () => {
      for (const name of this.open) {
        this.open.delete(name);
        if (!(await this.attempt(name))) this.open.add(name);
        if (this.ctx.stopping.aborted) break;
      }
      this.isRunning = false;
    });
  }
}
