/**
 * A schedule of chaos that somebody wishes for who talks to the API alone, as `inkube chaos live` does: the ConfigMap
 * `inkube-chaos` in `kube-system` holds it as `schedule`, in JSON. The cluster goes through it and writes into the same ConfigMap
 * how far it is; who deletes the ConfigMap ends the faults. What an earlier start has left is deleted.
 */
import { hasReason } from "../../../../protocols/api-server.ts";
import { InkubeError } from "../../../../protocols/errors.ts";
import type { ConfigMap } from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { Context } from "../../../../runtime/actor.ts";
import type { Client } from "../../../client/client.ts";
import { Informer } from "../../../client/informer.ts";
import { configMaps } from "../../../client/resources.ts";
import type { LiveOptions, LiveReport } from "./live-run.ts";
import type { ChaosSchedule } from "./schedule.ts";

export const WISH: { readonly namespace: string; readonly name: string } = {
  namespace: "kube-system",
  name: "inkube-chaos",
};

/** What the cluster writes into the ConfigMap. */
export interface WishState {
  readonly state: "running" | "refused" | "over";
  /** JSON of a list of lines: what has happened so far; the oldest are dropped when they are too many. */
  readonly told: string;
  /** How many lines were dropped. */
  readonly dropped: string;
  /** JSON of a `LiveReport`, once it is over. */
  readonly report?: string;
  /** Why it was refused. */
  readonly error?: string;
}

/** A ConfigMap may hold 1 MiB. */
const LINES_MAX = 2_000;
/** Between two writes, also after one that failed: faults may keep the API from taking it. */
const PAUSE_MS = 100;

export class ChaosWish {
  private readonly ctx: Context<unknown>;
  private readonly client: Client;
  private readonly chaos: (schedule: ChaosSchedule, options: LiveOptions) => Promise<LiveReport>;
  private readonly informer: Informer<ConfigMap>;
  /** The one that is being carried out, or was last. */
  private current: Wish | undefined;

  constructor(ctx: Context<unknown>, client: Client, chaos: ChaosWish["chaos"]) {
    this.ctx = ctx;
    this.client = client;
    this.chaos = chaos;
    const { name, namespace } = WISH;
    this.informer = new Informer(ctx, client, configMaps, { namespace, fieldSelector: `metadata.name=${name}` });
  }

  async start(): Promise<void> {
    try {
      await this.client.delete(configMaps, WISH.name, WISH.namespace);
    } catch (error) {
      if (!hasReason(error, "NotFound")) throw error;
    }
    this.informer.onChange(({ type, object }) => {
      const uid = object.metadata?.uid ?? "";
      if (uid !== this.current?.uid || type === "deleted") this.current?.callOff();
      if (type === "deleted" || uid === this.current?.uid) return;
      const before = this.current?.done;
      const wish = new Wish(this.ctx, this.client, uid);
      this.current = wish;
      this.ctx.spawn(() => wish.carryOut(object, before, this.chaos));
    });
    this.informer.start();
  }

  stop(): void {
    this.informer.stop();
    this.current?.callOff();
  }
}

class Wish {
  readonly uid: string;
  /** Resolves when it is over, and nothing more is written. */
  done: Promise<void> = Promise.resolve();
  private readonly ctx: Context<unknown>;
  private readonly client: Client;
  private readonly off = new AbortController();
  private readonly lines: string[] = [];
  private dropped = 0;
  private end: Pick<WishState, "state" | "report" | "error"> | undefined;
  private isNews = true;

  constructor(ctx: Context<unknown>, client: Client, uid: string) {
    this.ctx = ctx;
    this.client = client;
    this.uid = uid;
  }

  callOff(): void {
    this.off.abort();
  }

  async carryOut(object: ConfigMap, before: Promise<void> | undefined, chaos: ChaosWish["chaos"]): Promise<void> {
    this.done = this.both(object, before, chaos);
    await this.done;
  }

  private async both(object: ConfigMap, before: Promise<void> | undefined, chaos: ChaosWish["chaos"]): Promise<void> {
    // The faults of the one before are over first.
    await before;
    await Promise.all([this.run(object.data?.["schedule"] ?? "", chaos), this.tell()]);
  }

  private async run(text: string, chaos: ChaosWish["chaos"]): Promise<void> {
    try {
      const schedule = parsed(text);
      const report = await chaos(schedule, { signal: this.off.signal, onLine: (line) => this.take(line) });
      this.end = { state: "over", report: JSON.stringify(report) };
    } catch (error) {
      this.end = { state: "refused", error: error instanceof InkubeError ? error.message : String(error) };
      if (!(error instanceof InkubeError)) throw error;
    } finally {
      this.isNews = true;
    }
  }

  private take(line: string): void {
    this.lines.push(line);
    if (this.lines.length > LINES_MAX) {
      this.lines.shift();
      this.dropped++;
    }
    this.isNews = true;
  }

  /** Writes what is new until all has been written, or nobody wants to know it any more. */
  private async tell(): Promise<void> {
    while (!this.off.signal.aborted) {
      if (this.isNews) await this.write();
      if (this.end !== undefined && !this.isNews) return;
      await this.ctx.clock.sleep(PAUSE_MS);
    }
  }

  private async write(): Promise<void> {
    this.isNews = false;
    const state: WishState = {
      state: "running",
      told: JSON.stringify(this.lines),
      dropped: String(this.dropped),
      ...this.end,
    };
    try {
      await this.client.patch(configMaps, WISH.name, WISH.namespace, { metadata: { uid: this.uid }, data: state });
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      if (hasReason(error, "NotFound", "Conflict", "Invalid")) return this.callOff();
      this.isNews = true;
    }
  }
}

/** Errors: INVALID_CHAOS_SCHEDULE. */
function parsed(text: string): ChaosSchedule {
  try {
    return JSON.parse(text) as ChaosSchedule;
  } catch (cause) {
    throw new InkubeError("INVALID_CHAOS_SCHEDULE", "the ConfigMap holds no schedule in JSON", { cause });
  }
}
