/** What a watch tells of objects that a webhook converts: each event in the version of the watch, in the order in which they came. */
import type { KubernetesObject } from "../../protocols/api-server.ts";
import type { Conversions } from "./conversions.ts";
import { BrokenInvariant } from "./core/broken-invariant.ts";
import type { ChangeType } from "./core/cache/resource-cache.ts";
import type { StoredObject } from "./core/cache/stored-object.ts";
import type { Served } from "./core/catalog/catalog.ts";
import type { Selection } from "./core/machinery/selectors.ts";
import { expired, unexplained } from "./core/machinery/status.ts";
import type { WatchReceiver } from "./watches.ts";

interface Event {
  readonly type: ChangeType;
  readonly stored: StoredObject;
  readonly cause: string | undefined;
  /** As it was served, as far as somebody has read it: the cache lets go of that. */
  readonly previous: StoredObject | undefined;
}

type Item = Event | { readonly bookmark: KubernetesObject } | { readonly end: unknown };

interface Idle {
  readonly at: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface EventLimits {
  /** What may wait for a webhook; beyond it the watcher has to list again. */
  readonly waitingMax: number;
  /** Taken together to be converted. */
  readonly batch: number;
}

export class ConvertedEvents implements WatchReceiver {
  private readonly conversions: Conversions;
  private readonly spawn: (work: () => Promise<void>) => void;
  private readonly served: Served;
  private readonly selection: Selection;
  private readonly limits: EventLimits;
  private readonly receiver: WatchReceiver;
  private waiting: Item[] = [];
  private closed = false;
  private draining = false;
  private come = 0;
  private gone = 0;
  /** Who waits until as many as have come by then are told. */
  private idle: Idle | undefined;
  private over: () => void = () => {};

  constructor(
    conversions: Conversions,
    spawn: (work: () => Promise<void>) => void,
    served: Served,
    selection: Selection,
    limits: EventLimits,
    receiver: WatchReceiver,
  ) {
    this.conversions = conversions;
    this.spawn = spawn;
    this.served = served;
    this.selection = selection;
    this.limits = limits;
    this.receiver = receiver;
  }

  /** `action` is called when nothing more can be told. */
  onOver(action: () => void): void {
    this.over = action;
  }

  event(type: ChangeType, stored: StoredObject, cause: string | undefined, previous: StoredObject | undefined): void {
    const shown = previous === undefined ? undefined : (this.conversions.present(this.served, previous) ?? previous);
    this.push({ type, stored, cause, previous: this.selection.everything ? undefined : shown });
  }

  bookmark(object: KubernetesObject): void {
    this.push({ bookmark: object });
  }

  end(error: unknown): void {
    this.push({ end: error });
  }

  close(): void {
    this.closed = true;
    this.waiting = [];
    this.idle?.resolve();
  }

  /**
   * Resolves when all that has come so far has been told.
   * @throws Status 500 when something could not be converted; the receiver is not told of that
   */
  told(): Promise<void> {
    if (!this.draining || this.closed) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.idle = { at: this.come, resolve, reject };
    });
  }

  private push(item: Item): void {
    if (this.closed) return;
    if (!this.draining && !("stored" in item)) return this.tell(item, []);
    if (this.waiting.length >= this.limits.waitingMax) {
      this.fail(expired("too old resource version: the webhook that converts is slower than the objects change"));
      return;
    }
    this.waiting.push(item);
    this.come++;
    if (this.draining) return;
    this.draining = true;
    this.spawn(async () => {
      try {
        await this.drain();
      } catch (error) {
        if (error instanceof BrokenInvariant) throw error;
        this.fail(error);
      }
    });
  }

  private async drain(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, this.limits.batch);
      const needed = batch.flatMap((item) => ("stored" in item ? statesOf(item) : []));
      const forms = await this.conversions.forms(this.served, needed);
      if (this.closed) return;
      const failed = forms.find((form) => typeof form === "string");
      if (typeof failed === "string") {
        this.fail(unexplained(failed));
        return;
      }
      const shown = (forms as readonly StoredObject[]).values();
      for (const item of batch) {
        this.tell(item, "stored" in item ? statesOf(item).map(() => shown.next().value as StoredObject) : []);
      }
      this.gone += batch.length;
      if (this.idle !== undefined && this.gone >= this.idle.at) {
        this.idle.resolve();
        this.idle = undefined;
      }
    }
    this.draining = false;
  }

  /** @param shown as served: the state after the change, and the one before it where that counts */
  private tell(item: Item, [stored, previous]: readonly StoredObject[]): void {
    if (this.closed) return;
    if ("bookmark" in item) this.receiver.bookmark(item.bookmark);
    else if ("end" in item) {
      this.closed = true;
      this.receiver.end(item.end);
    } else if (stored !== undefined) this.tellChange(item, stored, previous);
  }

  /** As `offer` of the cache, by what the versions look like. */
  private tellChange({ type, cause }: Event, stored: StoredObject, previous: StoredObject | undefined): void {
    const { everything, matches } = this.selection;
    if (everything) return this.receiver.event(type, stored, cause, undefined);
    const before = previous !== undefined && matches(previous.object);
    const now = type !== "DELETED" && matches(stored.object);
    if (now) this.receiver.event(before ? "MODIFIED" : "ADDED", stored, cause, undefined);
    else if (before) {
      const last = type === "DELETED" ? stored : previous.at(stored.revision);
      this.receiver.event("DELETED", last, cause, undefined);
    }
  }

  private fail(error: unknown): void {
    const { idle } = this;
    this.closed = true;
    this.waiting = [];
    this.idle = undefined;
    this.over();
    if (idle === undefined) this.receiver.end(error);
    else idle.reject(error);
  }
}

function statesOf({ stored, previous }: Event): readonly StoredObject[] {
  return previous === undefined ? [stored] : [stored, previous];
}
