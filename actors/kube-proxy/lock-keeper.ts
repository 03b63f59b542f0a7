/** Carries one shard's lock between its core and the network. */
import { InkubeError } from "../../protocols/errors.ts";
import type { Address } from "../../protocols/kube-proxy.ts";
import type { Context, Why } from "../../runtime/actor.ts";
import type { Timer } from "../../runtime/clock.ts";
import type { Connection, Listener } from "../../runtime/net.ts";
import type { ShardLock, ShardLockCommand, ShardLockEvent } from "./core/shard-lock.ts";
import { greeting, GREETING_MAX_BYTES } from "./core/shard-lock.ts";
import type { KubeProxyOptions } from "./spec.ts";

export class LockKeeper {
  private readonly ctx: Context<KubeProxyOptions>;
  private readonly lock: ShardLock;
  private readonly greeting: string;
  private readonly onOwn: () => void;
  /** What it tries to own the lock because of now. */
  private why: Why;
  private listener: Listener | undefined;
  private owner: Connection | undefined;
  private timer: Timer | undefined;
  private stopped = false;

  constructor(ctx: Context<KubeProxyOptions>, lock: ShardLock, shard: number, onOwn: () => void) {
    this.ctx = ctx;
    this.lock = lock;
    this.greeting = greeting(ctx.options.clusterId, shard);
    this.onOwn = onOwn;
    this.why = ctx.trace.started;
  }

  start(): void {
    this.next({ kind: "start" });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    this.owner?.destroy();
    await this.listener?.close();
  }

  private next(event: ShardLockEvent): void {
    if (this.stopped) return;
    const command = this.lock.next(event);
    if (command !== undefined) this.run(command);
  }

  private run(command: ShardLockCommand): void {
    switch (command.kind) {
      case "bind":
        this.ctx.spawn(() => this.bind(command.place));
        return;
      case "connect":
        this.ctx.spawn(() => this.connect(command.place));
        return;
      case "wait":
        this.timer = this.ctx.clock.after(command.delayMs, () => {
          this.why = this.ctx.trace.later("timer", "shard lock", undefined, "");
          this.next({ kind: "timer" });
        });
        return;
      case "own":
        this.ctx.trace.because(this.why, this.onOwn);
        return;
    }
  }

  private async bind(place: Address): Promise<void> {
    try {
      const listener = await this.ctx.net.listen(place, (connection) => {
        connection.onData(() => undefined);
        connection.onEnd(() => connection.end());
        connection.write(new TextEncoder().encode(this.greeting));
      });
      if (this.stopped) {
        await listener.close();
        return;
      }
      this.listener = listener;
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      this.next({ kind: "bind-failed", code: error.code });
      return;
    }
    this.next({ kind: "bound" });
  }

  private async connect(place: Address): Promise<void> {
    let connection: Connection;
    try {
      connection = await this.ctx.net.connect(place, { timeoutMs: this.ctx.options.connectTimeoutMs });
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      this.next({ kind: "connect-failed" });
      return;
    }
    if (this.stopped) {
      connection.destroy();
      return;
    }
    this.owner = connection;
    this.follow(connection);
  }

  /** Reads the greeting, then waits for the end of the connection, which is the end of the owner. */
  private follow(connection: Connection): void {
    const decoder = new TextDecoder();
    let text = "";
    let phase: "greeting" | "greeted" | "over" = "greeting";
    const over = (event: ShardLockEvent): void => {
      if (phase === "over") return;
      phase = "over";
      this.timer?.cancel();
      connection.destroy();
      this.next(event);
    };
    const gone = (): void => over({ kind: phase === "greeted" ? "owner-gone" : "connect-failed" });
    this.timer = this.ctx.clock.after(this.ctx.options.greetingTimeoutMs, () => over({ kind: "stranger" }));
    connection.onData((bytes) => {
      if (phase !== "greeting") return;
      text += decoder.decode(bytes, { stream: true });
      if (text === this.greeting) {
        phase = "greeted";
        this.timer?.cancel();
        this.next({ kind: "greeted" });
      } else if (text.includes("\n") || text.length > GREETING_MAX_BYTES) {
        over({ kind: "stranger" });
      }
    });
    connection.onEnd(gone);
    connection.onClose(gone);
  }
}
