/**
 * Carries out a plan's flips of stored objects: writes them into etcd as this server writes, without anything that it does for
 * a request. Its caches, and those of all others, hear of it by their watches.
 */
import type { OrderedStrike } from "../../protocols/cluster-faults.ts";
import { InkubeError } from "../../protocols/errors.ts";
import { textOf } from "../../protocols/kept-bytes.ts";
import type { FieldStep } from "../../protocols/object-fields.ts";
import { fieldAt, parseFieldPath, withFieldAt } from "../../protocols/object-fields.ts";
import type { Context } from "../../runtime/actor.ts";
import type { CatalogFollower } from "./catalog.ts";
import type { ResourceCache } from "./core/cache/resource-cache.ts";
import { flipped } from "./core/faults/flip.ts";
import { qualifiedResource } from "./core/machinery/status.ts";
import { isOf } from "./core/views/trigger.ts";
import type { ApiServerOptions } from "./spec.ts";
import type { Store } from "./store.ts";

type Flip = OrderedStrike & { readonly kind: "object-flip" };

/** An object that a flip may hit. */
interface Target {
  readonly cache: ResourceCache;
  readonly key: string;
}

/** Writes by others that a flip may lose against, one after the other, before it lets the object be. */
const TRIES_MAX = 5;

export class ObjectFlips {
  private readonly ctx: Context<ApiServerOptions>;
  private readonly store: Store;
  private readonly catalog: CatalogFollower;
  /** The last strike of each fault that was taken up. */
  private readonly done = new Map<string, number>();

  constructor(ctx: Context<ApiServerOptions>, store: Store, catalog: CatalogFollower) {
    this.ctx = ctx;
    this.store = store;
    this.catalog = catalog;
  }

  start(): void {
    this.ctx.faults.onChange(() => this.look());
    this.look();
  }

  private look(): void {
    for (const fault of this.ctx.faults.inForce) {
      if (fault.kind !== "object-flip" || !("nth" in fault) || this.done.get(fault.id) === fault.nth) continue;
      this.done.set(fault.id, fault.nth);
      this.ctx.spawn(() => this.strike(fault));
    }
  }

  private async strike(fault: Flip): Promise<void> {
    const { clock, faults, options, log } = this.ctx;
    try {
      const deadlineMs = clock.monotonicMs() + options.requestTimeoutMs;
      await this.store.consistent(deadlineMs);
      const steps = parseFieldPath(fault.field)!;
      const targets = this.targets(fault, steps);
      const one = targets[Math.floor(faults.draw(fault) * targets.length)];
      const chosen = fault.victims === "all" ? targets : one === undefined ? [] : [one];
      const told: string[] = [];
      for (const target of chosen) told.push(...(await this.flip(fault, target, steps, deadlineMs)));
      if (told.length === 0) faults.end(fault);
      else faults.strike(fault, told.join("; "));
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      log.warn("a flip was not written", { fault: fault.id, code: error.code, message: error.message });
      // Another server may reach a quorum.
      faults.end(fault);
    }
  }

  /** All that have something to flip, in the order of their keys. */
  private targets(fault: Flip, steps: readonly FieldStep[]): readonly Target[] {
    const seen = new Set<ResourceCache>();
    const found: Target[] = [];
    for (const served of this.catalog.current.all) {
      const resource = qualifiedResource(served.info);
      if (served.info.storagePrefix === undefined || !isOf(fault.of.split("/")[0], placeOf(resource, ""))) continue;
      const cache = this.store.cacheOf(served);
      if (seen.has(cache)) continue;
      seen.add(cache);
      for (const { key, kept } of cache.values()) {
        if (!isOf(fault.of, placeOf(resource, key))) continue;
        const object: unknown = JSON.parse(textOf(kept));
        if (withFlip(fault, object, steps, 0) !== undefined) found.push({ cache, key });
      }
    }
    const pathOf = ({ cache, key }: Target): string => `${cache.info.storagePrefix ?? ""}/${key}`;
    return found.sort((one, other) => (pathOf(one) < pathOf(other) ? -1 : 1));
  }

  /** What was done, in words; empty where the object is gone, or has nothing to flip any more. */
  private async flip(
    fault: Flip,
    { cache, key }: Target,
    steps: readonly FieldStep[],
    deadlineMs: number,
  ): Promise<readonly string[]> {
    const path = `${cache.info.storagePrefix ?? ""}/${key}`;
    const subject = `${cache.info.resource}/${key}`;
    const draw = this.ctx.faults.draw(fault);
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const { kvs } = await this.store.etcd.call("range", { key: path }, deadlineMs);
      const [kv] = kvs;
      if (kv === undefined) return [];
      const before: unknown = JSON.parse(new TextDecoder().decode(kv.value));
      const after = withFlip(fault, before, steps, draw);
      if (after === undefined) return [];
      const change = `${fault.field} from ${textFor(fieldAt(before, steps))} to ${textFor(fieldAt(after, steps))}`;
      const cause = this.ctx.trace.event("object.flipped", subject, { fault: fault.id, change }, "");
      const value = new TextEncoder().encode(JSON.stringify(after));
      const put = { key: path, value, ...(kv.lease === "0" ? {} : { lease: kv.lease }) };
      const attempts = { lost: false, cause };
      const answer = await this.store.txn(
        {
          compare: [{ key: path, target: "mod", result: "equal", value: kv.modRevision }],
          success: [{ put }],
          failure: [],
          cause,
        },
        deadlineMs,
        attempts,
      );
      // One whose answer was lost has found its own work.
      if (!answer.succeeded && !attempts.lost) continue;
      const { revision } = answer.header;
      this.ctx.trace.event("write", subject, { action: "put", revision, user: `fault:${fault.id}` }, cause);
      return [`flips ${change} of ${subject}`];
    }
    return [];
  }
}

/** Undefined: there is nothing to flip, or it is so already. */
function withFlip(fault: Flip, object: unknown, steps: readonly FieldStep[], draw: number): unknown {
  const value = fieldAt(object, steps);
  const next = fault.to === undefined ? flipped(value, draw) : fault.to;
  if (next === undefined || JSON.stringify(next) === JSON.stringify(value)) return undefined;
  return withFieldAt(object, steps, next);
}

function placeOf(resource: string, key: string): Parameters<typeof isOf>[1] {
  const slash = key.indexOf("/");
  const [namespace, name] = slash < 0 ? ["", key] : [key.slice(0, slash), key.slice(slash + 1)];
  return { resource, namespace, name };
}

function textFor(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value);
}
