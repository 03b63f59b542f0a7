/**
 * The one address of the Kubernetes API, with no proxy in the way. Where several threads can listen on one port
 * (`reusePort`: Linux, Node 23.1 and later) every API server that is ready does; elsewhere one has it, and another gets it as
 * soon as that one is down, or can't answer what clients ask: for a moment between the two connections are refused. While no
 * server is ready the address stays where it is: who has it says at least that it is worth another try.
 */
import { platform } from "node:process";
import type { ApiServerMethods } from "../../protocols/api-server.ts";
import { InkubeError, hasCode } from "../../protocols/errors.ts";
import type { Context, Ref, Subscription } from "../../runtime/actor.ts";

const LOOPBACK = "127.0.0.1";
/** The kernel frees the port of a thread that has ended within milliseconds. Long after that somebody else has it. */
const RETRY = { baseMs: 5, capMs: 500, tellAfterMs: 2_000 };
/** A server that does not leave in this time hangs, and its thread will be ended. */
const WITHDRAW_TIMEOUT_MS = 1_000;

/** What is known of a server that is up. */
interface Known {
  subscription: Subscription;
  /** Undefined until the server has told. */
  ready: boolean | undefined;
  serving: boolean;
}

interface Step {
  readonly server: Ref<ApiServerMethods>;
  readonly known: Known;
  readonly to: "serve" | "withdraw";
}

export class ApiAddress {
  private readonly candidates: readonly Ref<ApiServerMethods>[];
  private readonly ctx: Pick<Context<unknown>, "clock" | "log">;
  private readonly up = new Map<string, Known>();
  private readonly shared: boolean;
  private readonly host: string;
  private port: number;
  private opened = false;
  private moving = false;
  private closed = false;

  /** @param servers the preferred one first */
  constructor(
    servers: readonly Ref<ApiServerMethods>[],
    port: number,
    ctx: Pick<Context<unknown>, "clock" | "log">,
    shared: boolean = canSharePort(),
    host: string = LOOPBACK,
  ) {
    this.candidates = servers;
    this.host = host;
    this.port = port;
    this.ctx = ctx;
    this.shared = shared;
  }

  get url(): string {
    return `https://${this.host}:${this.port}`;
  }

  /** Who serves it now. */
  get servers(): readonly string[] {
    return this.candidates.map(({ name }) => name).filter((name) => this.up.get(name)?.serving === true);
  }

  /** Serves for the first time. Errors: PORT_IN_USE, PORT_DENIED. */
  async open(): Promise<void> {
    const [first] = this.steps();
    if (first === undefined) throw new InkubeError("ACTOR_DOWN", "no API server is up", { retryable: true });
    try {
      await this.take(first);
    } catch (error) {
      throw this.explain(error);
    }
    this.opened = true;
    this.settle();
  }

  serverUp(name: string): void {
    const server = this.candidates.find((candidate) => candidate.name === name);
    if (server === undefined || this.closed) return;
    this.serverDown(name);
    this.up.set(name, { subscription: this.follow(server), ready: undefined, serving: false });
    this.settle();
  }

  serverDown(name: string): void {
    const known = this.up.get(name);
    if (known === undefined) return;
    this.up.delete(name);
    known.subscription.cancel();
    this.settle();
  }

  close(): void {
    this.closed = true;
    for (const { subscription } of this.up.values()) subscription.cancel();
  }

  private follow(server: Ref<ApiServerMethods>): Subscription {
    return server.stream("readiness", null, {
      next: ({ ready }) => {
        const known = this.up.get(server.name);
        if (known === undefined) return;
        known.ready = ready;
        this.settle();
      },
      // It ends with the server, of whose death the supervisor tells; or it is asked again.
      end: () => {
        const known = this.up.get(server.name);
        if (known === undefined || this.closed) return;
        this.ctx.clock.after(RETRY.capMs, () => {
          if (this.closed || this.up.get(server.name) !== known) return;
          known.subscription = this.follow(server);
        });
      },
    });
  }

  /** Gives the address to whoever should have it and has not. One run at a time; each round looks at the newest state. */
  private settle(): void {
    if (!this.opened || this.moving || this.closed) return;
    this.moving = true;
    void this.move().finally(() => {
      this.moving = false;
      if (this.steps().length > 0) this.settle();
    });
  }

  private async move(): Promise<void> {
    const { clock } = this.ctx;
    let failures = 0;
    const sinceMs = clock.monotonicMs();
    let told = false;
    for (let steps = this.steps(); steps.length > 0 && !this.closed; steps = this.steps()) {
      const troubles: unknown[] = [];
      await Promise.all(steps.map((step) => this.take(step).catch((error: unknown) => troubles.push(error))));
      const [trouble] = troubles;
      if (trouble === undefined) {
        failures = 0;
        continue;
      }
      if (!told && clock.monotonicMs() - sinceMs >= RETRY.tellAfterMs) {
        told = true;
        this.tell(trouble);
      }
      // Rejected when the cluster has stopped meanwhile; the loop sees that.
      const pauseMs = Math.min(RETRY.capMs, RETRY.baseMs * 2 ** Math.min(failures++, 10));
      await clock.sleep(pauseMs).catch(() => undefined);
    }
  }

  /** What can be done at once to bring the address to where it should be. */
  private steps(): readonly Step[] {
    const known = this.candidates.flatMap((server) => {
      const state = this.up.get(server.name);
      return state === undefined ? [] : [{ server, known: state }];
    });
    const serving = known.filter((each) => each.known.serving);
    const ready = known.filter((each) => each.known.ready === true);
    const useless = serving.filter((each) => each.known.ready === false);
    const joining = ready.filter((each) => !each.known.serving);
    const to = (kind: Step["to"], of: typeof known): readonly Step[] => of.map((each) => ({ ...each, to: kind }));
    if (serving.length === 0) return to("serve", (ready.length > 0 ? ready : known).slice(0, 1));
    if (this.shared) return [...to("serve", joining), ...(ready.length > 0 ? to("withdraw", useless) : [])];
    return ready.length > 0 ? to("withdraw", useless) : [];
  }

  private async take({ server, known, to }: Step): Promise<void> {
    if (to === "withdraw") {
      await server.call("withdraw", null, { timeoutMs: WITHDRAW_TIMEOUT_MS });
      known.serving = false;
      this.ctx.log.warn("an API server that can't reach etcd has left the address", { server: server.name });
      return;
    }
    const { port } = await server.call("serve", { host: this.host, port: this.port, reusePort: this.shared });
    this.port = port;
    known.serving = true;
  }

  private tell(trouble: unknown): void {
    const { code, message } = trouble instanceof InkubeError ? trouble : { code: "UNKNOWN", message: String(trouble) };
    this.ctx.log.error("an API server can't take or leave the address; it is tried again", {
      address: this.url,
      code,
      message,
    });
  }

  private explain(error: unknown): unknown {
    if (hasCode(error, "ADDRESS_IN_USE")) {
      return new InkubeError(
        "PORT_IN_USE",
        `port ${this.port} of ${this.host} is in use; choose another one, or 0 for any free one`,
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

export function canSharePort(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return platform === "linux" && (major > 23 || (major === 23 && minor >= 1));
}
