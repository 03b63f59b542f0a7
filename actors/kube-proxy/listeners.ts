/** Binds and closes what the listener table says, and tells it how that went. */
import { InkubeError } from "../../protocols/errors.ts";
import type { Address } from "../../protocols/kube-proxy.ts";
import type { Context } from "../../runtime/actor.ts";
import type { Connection, Listener } from "../../runtime/net.ts";
import type { ListenerCommand, ListenerRow, WantedListener } from "./core/listener-table.ts";
import { ListenerTable } from "./core/listener-table.ts";
import type { KubeProxyOptions } from "./spec.ts";

export interface ListenerEvents {
  readonly onConnection: (wanted: WantedListener, connection: Connection) => void;
  /** A listener is bound, maybe elsewhere than wanted. */
  readonly onBound: (wanted: WantedListener) => void;
}

export class Listeners {
  private readonly ctx: Context<KubeProxyOptions>;
  private readonly events: ListenerEvents;
  private readonly table = new ListenerTable();
  private readonly open = new Map<string, Listener>();
  private readonly underWay = new Set<Promise<void>>();
  private stopped = false;

  constructor(ctx: Context<KubeProxyOptions>, events: ListenerEvents) {
    this.ctx = ctx;
    this.events = events;
  }

  want(wanted: readonly WantedListener[]): void {
    if (!this.stopped) this.run(this.table.want(wanted));
  }

  list(): readonly ListenerRow[] {
    return this.table.list();
  }

  /** Resolves when nothing is listened on any more. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.run(this.table.want([]));
    while (this.underWay.size > 0) await Promise.all(this.underWay);
    await Promise.all([...this.open.values()].map((listener) => listener.close()));
  }

  /** Keeps what has been begun in sight until it is done. */
  private begin(work: () => Promise<void>): void {
    this.ctx.spawn(async () => {
      const done = work();
      this.underWay.add(done);
      try {
        await done;
      } finally {
        this.underWay.delete(done);
      }
    });
  }

  private run(commands: readonly ListenerCommand[]): void {
    for (const command of commands) {
      switch (command.kind) {
        case "listen":
          this.begin(() => this.listen(command.id, command.address));
          break;
        case "close":
          this.begin(() => this.close(command.id));
          break;
        case "retry":
          this.ctx.clock.after(command.delayMs, () => this.run(this.table.retryDue(command.id)));
          break;
        case "give-up":
          this.ctx.log.warn("address can't be served", { address: command.id, code: command.code });
          break;
      }
    }
  }

  private async listen(id: string, address: Address): Promise<void> {
    try {
      const listener = await this.ctx.net.listen(address, (connection) => {
        const wanted = this.table.wanted(id);
        if (wanted === undefined) connection.destroy();
        else this.events.onConnection(wanted, connection);
      });
      if (this.stopped) {
        await listener.close();
        return;
      }
      this.open.set(id, listener);
      this.run(this.table.bound(id, listener.address));
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      if (!this.stopped) this.run(this.table.refused(id, error.code));
      return;
    }
    const wanted = this.table.wanted(id);
    if (wanted !== undefined) this.events.onBound(wanted);
  }

  private async close(id: string): Promise<void> {
    const listener = this.open.get(id);
    this.open.delete(id);
    await listener?.close();
  }
}
