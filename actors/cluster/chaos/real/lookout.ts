/** Sees everything that passes the API servers of a real cluster, and tells where it has missed something. */
import { apiServerProtocol } from "../../../../protocols/api-server.ts";
import type { Seen } from "../../../../protocols/api-witness.ts";
import { hasCode } from "../../../../protocols/errors.ts";
import type { Context } from "../../../../runtime/actor.ts";

export interface LookoutListener {
  saw(seen: Seen): void;
  /** Something passed unseen, and what was seen before and after it belongs to the same watches. */
  missed(why: string): void;
}

const REOPEN_MS = 50;

export class Lookout {
  private readonly context: Pick<Context<unknown>, "ref" | "clock">;
  private readonly by: readonly string[];
  private readonly listener: LookoutListener;
  /** By API server: resolves when it is looked at. */
  private readonly looking = new Map<string, Promise<void>>();
  /** How often one was begun to be looked at. */
  private opened = 0;
  private isClosed = false;

  /** `by`: of whom everything is to be seen; of all others writes are. */
  constructor(context: Pick<Context<unknown>, "ref" | "clock">, by: readonly string[], listener: LookoutListener) {
    this.context = context;
    this.by = by;
    this.listener = listener;
  }

  /** From when it resolves on, everything that passes one of them is seen. */
  async start(apiServers: readonly string[]): Promise<void> {
    for (const name of apiServers) this.looking.set(name, this.open(name));
    await this.settled();
  }

  /** Resolves when all of them are looked at, also those that were down. */
  async settled(): Promise<void> {
    for (let seen = 0; seen !== this.opened;) {
      seen = this.opened;
      await Promise.all(this.looking.values());
    }
  }

  close(): void {
    this.isClosed = true;
  }

  private async open(name: string): Promise<void> {
    this.opened++;
    const server = this.context.ref(apiServerProtocol, name);
    server.stream(
      "witness",
      { by: this.by },
      { next: (seen) => this.listener.saw(seen), end: (error) => this.ended(name, error) },
    );
    try {
      // Asked after it on the same link, and so answered after it is open.
      await server.call("ready", null);
    } catch {
      // It is down; the stream has ended for the same reason, and is opened again.
    }
  }

  private ended(name: string, error: Error | undefined): void {
    if (this.isClosed) return;
    const why = error?.message ?? "it stopped telling";
    // One that has died took its watches along: what it told of them has an end, and no gap.
    if (!hasCode(error, "ACTOR_DOWN")) this.listener.missed(`what passed ${name} is not all known: ${why}`);
    this.opened++;
    const again = this.context.clock.sleep(REOPEN_MS).then(() => (this.isClosed ? undefined : this.open(name)));
    this.looking.set(name, again);
  }
}
