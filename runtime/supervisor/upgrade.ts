/** Upgrades of running actors: the steps, and the way back from each of them. */
import { InkubeError } from "../../protocols/errors.ts";
import type { Clock } from "../clock.ts";
import type { SupervisorCore } from "./core/supervisor-core.ts";
import type { ChildSpec } from "./spec.ts";
import type { ActorHost, SupervisorEvent } from "./supervisor.ts";

/** What an actor becomes; the rest of its spec stays. */
export type Upgrade = Partial<Pick<ChildSpec, "actor" | "options" | "shutdownMs" | "startTimeoutMs" | "heapLimitMb">>;

export interface UpgradeOptions {
  /** Tells whether the new incarnation does its work, by calls to it; a rejection, or no answer in time, takes it back. */
  readonly probe?: () => Promise<unknown>;
  readonly probeTimeoutMs?: number;
}

/** A probe is a few calls. */
const PROBE_TIMEOUT_MS = 5_000;

/** What the supervisor does for it. */
interface Whole {
  readonly host: ActorHost;
  readonly core: SupervisorCore;
  readonly clock: Clock;
  takeOut(name: string, options: { readonly kill: boolean }): Promise<void>;
  /** Starts what was taken out; rejects when its first start fails, or its supervisor ends before it. */
  startAs(spec: ChildSpec, state: unknown, options: { readonly onTrial: boolean }): Promise<void>;
  onEvent(listener: (event: SupervisorEvent) => void): () => void;
}

export class Upgrades {
  private readonly whole: Whole;
  private readonly underWay = new Set<string>();

  constructor(whole: Whole) {
    this.whole = whole;
  }

  /** @see Supervisor.upgrade */
  async upgrade(name: string, change: Upgrade, options: UpgradeOptions): Promise<void> {
    const { core, host } = this.whole;
    const old = core.specOf(name);
    if (this.underWay.has(name)) throw new InkubeError("INVALID_ARGUMENT", `${name} is being upgraded already`);
    if (core.get(name).state !== "up") {
      throw new InkubeError("ACTOR_DOWN", `${name} is not up; upgrade it when it is`, { retryable: true });
    }
    this.underWay.add(name);
    try {
      const next: ChildSpec = { ...old, ...change };
      await host.prepare(next).catch((error: unknown) => upgradeFailed(name, "its code can't be loaded", error));
      const state = await host
        .handOver(name, old.shutdownMs)
        .catch((error: unknown) => upgradeFailed(name, "it did not hand over", error));
      await this.whole.takeOut(name, { kill: false });
      try {
        await this.whole.startAs(next, state, { onTrial: true });
        await this.probe(name, options);
        if (!core.endTrial(name)) throw hasEnded(name);
      } catch (error) {
        await this.takeBack(old, state, error);
      }
    } finally {
      host.discard(name);
      this.underWay.delete(name);
    }
  }

  private async takeBack(old: ChildSpec, state: unknown, why: unknown): Promise<never> {
    const { name } = old;
    await this.whole.takeOut(name, { kill: true });
    let outcome = "the old version runs again";
    try {
      await this.whole.startAs(old, state, { onTrial: false });
    } catch (error) {
      outcome = `nor does the old version run (${(error as Error).message})`;
    }
    return upgradeFailed(name, outcome, why);
  }

  /** Rejects also when the actor ends before its probe. */
  private probe(name: string, { probe, probeTimeoutMs = PROBE_TIMEOUT_MS }: UpgradeOptions): Promise<void> {
    if (probe === undefined) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = this.whole.clock.after(probeTimeoutMs, () => {
        reject(new InkubeError("DEADLINE_EXCEEDED", `its probe did not end within ${probeTimeoutMs} ms`));
      });
      const forget = this.whole.onEvent((event) => {
        if (event.type === "down" && event.name === name) reject(hasEnded(name, event.reason));
      });
      probe()
        .then(() => resolve(), reject)
        .finally(() => {
          forget();
          timer.cancel();
        });
    });
  }
}

function upgradeFailed(name: string, what: string, cause: unknown): never {
  const why = cause instanceof Error ? cause.message : String(cause);
  throw new InkubeError("UPGRADE_FAILED", `${name} was not upgraded, ${what}: ${why}`, { cause });
}

export function hasEnded(name: string, reason?: string): InkubeError {
  return new InkubeError("ACTOR_DOWN", `${name} went down${reason === undefined ? "" : ` (${reason})`}`, {
    retryable: true,
  });
}
