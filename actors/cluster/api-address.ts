/**
 * The one address of the Kubernetes API, with no proxy in the way. Where several threads can listen on one port
 * (`reusePort`: Linux, Node 23.1 and later) every API server does; elsewhere one has it, and another gets it as soon as
 * that one is down.
 */
import { platform } from "node:process";
import type { ApiServerMethods } from "../../protocols/api-server.ts";
import { InkubeError, hasCode } from "../../protocols/errors.ts";
import type { Ref } from "../../runtime/actor.ts";
import type { Clock } from "../../runtime/clock.ts";

const HOST = "127.0.0.1";
/** The kernel frees the port of a thread that has ended within milliseconds; far beyond that somebody else has it. */
const LISTEN_RETRY = { periodMs: 5, limitMs: 2_000 };

export class ApiAddress {
  private readonly candidates: readonly Ref<ApiServerMethods>[];
  private readonly clock: Clock;
  private readonly up = new Set<string>();
  private readonly serving = new Set<string>();
  private readonly shared: boolean;
  private port: number;
  private opened = false;
  private moving = false;
  private closed = false;
  private onServing: ((name: string) => void) | undefined;

  constructor(servers: readonly Ref<ApiServerMethods>[], port: number, clock: Clock, shared: boolean = canSharePort()) {
    this.candidates = servers;
    this.port = port;
    this.clock = clock;
    this.shared = shared;
  }

  get url(): string {
    return `https://${HOST}:${this.port}`;
  }

  /** Who serves it now. */
  get servers(): readonly string[] {
    return [...this.serving];
  }

  /** Serves for the first time. Errors: PORT_IN_USE, PORT_DENIED. */
  async open(): Promise<void> {
    const first = this.candidates.find(({ name }) => this.up.has(name));
    if (first === undefined) throw new InkubeError("ACTOR_DOWN", "no API server is up", { retryable: true });
    try {
      await this.serve(first);
    } catch (error) {
      throw this.explain(error);
    }
    this.opened = true;
    await this.settle();
  }

  serverUp(name: string): void {
    this.up.add(name);
    if (this.opened) void this.settle();
  }

  serverDown(name: string): void {
    this.up.delete(name);
    this.serving.delete(name);
    if (this.opened) void this.settle();
  }

  /** Resolves when an API server other than `name` has the address, or when it is back. */
  whenServed(): Promise<string> {
    for (const name of this.serving) return Promise.resolve(name);
    return new Promise((resolve) => void (this.onServing = resolve));
  }

  close(): void {
    this.closed = true;
  }

  /** Gives the address to whoever should have it and has not. One run at a time; each looks at the newest state. */
  private async settle(): Promise<void> {
    if (this.moving) return;
    this.moving = true;
    try {
      const deadlineMs = this.clock.monotonicMs() + LISTEN_RETRY.limitMs;
      for (let next = this.wanting(); next !== undefined && !this.closed; next = this.wanting()) {
        const served = await this.serve(next).then(
          () => true,
          () => false,
        );
        if (served) continue;
        if (this.clock.monotonicMs() > deadlineMs) return;
        // Rejected when the cluster has stopped meanwhile; the loop sees that.
        await this.clock.sleep(LISTEN_RETRY.periodMs).catch(() => undefined);
      }
    } finally {
      this.moving = false;
    }
  }

  private wanting(): Ref<ApiServerMethods> | undefined {
    if (!this.shared && this.serving.size > 0) return undefined;
    return this.candidates.find(({ name }) => this.up.has(name) && !this.serving.has(name));
  }

  private async serve(server: Ref<ApiServerMethods>): Promise<void> {
    const { port } = await server.call("serve", { host: HOST, port: this.port, reusePort: this.shared });
    this.port = port;
    if (!this.up.has(server.name)) return;
    this.serving.add(server.name);
    this.onServing?.(server.name);
    this.onServing = undefined;
  }

  private explain(error: unknown): unknown {
    if (hasCode(error, "ADDRESS_IN_USE")) {
      return new InkubeError(
        "PORT_IN_USE",
        `port ${this.port} of ${HOST} is in use; choose another one, or 0 for any free one`,
        { cause: error },
      );
    }
    if (hasCode(error, "PERMISSION_DENIED")) {
      return new InkubeError("PORT_DENIED", `this user may not listen on port ${this.port}; choose one above 1023`, {
        cause: error,
      });
    }
    return error;
  }
}

function canSharePort(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return platform === "linux" && (major > 23 || (major === 23 && minor >= 1));
}
