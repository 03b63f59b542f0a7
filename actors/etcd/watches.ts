/** Watch streams: the hub decides who gets what, this carries it to the streams and minds the slow ones. */
import type { ResponseHeader, WatchEvent, WatchRequest, WatchResponse } from "../../protocols/etcd.ts";
import type { Sink } from "../../runtime/actor.ts";
import { keyRange } from "./core/mvcc/key-order.ts";
import type { StateMachine } from "./core/mvcc/state-machine.ts";
import type { Watcher } from "./core/mvcc/watch-hub.ts";
import { WatchHub } from "./core/mvcc/watch-hub.ts";

/** Where the events of a watch go. */
export type WatchSink = Pick<Sink<WatchResponse>, "from" | "signal" | "buffered" | "push" | "end">;

export interface OpenWatch {
  /** Whether it has all there is. */
  readonly isSynced: boolean;
  cancel(): void;
}

export class Watches {
  private readonly hub: WatchHub = new WatchHub();
  private readonly sinks: Map<number, WatchSink> = new Map();
  private readonly machine: StateMachine;
  private readonly bufferMax: number;
  /** Revisions up to here went to the synced watchers. */
  private notified: number;

  constructor(machine: StateMachine, bufferMax: number) {
    this.machine = machine;
    this.bufferMax = bufferMax;
    this.notified = machine.store.revision;
  }

  /** `knowsRevision`: the watcher has been told the newest one by other ways. */
  add(request: WatchRequest, sink: WatchSink, knowsRevision: boolean = false): OpenWatch {
    this.flush();
    const watcher = this.hub.add(this.machine.store, {
      range: keyRange(request.key, request.rangeEnd),
      startRevision: request.startRevision,
      prevKv: request.prevKv === true,
      progressNotify: request.progressNotify === true,
      owner: sink.from,
    });
    if (knowsRevision) watcher.told = this.machine.store.revision;
    this.sinks.set(watcher.id, sink);
    sink.signal.addEventListener("abort", () => this.drop(watcher), { once: true });
    this.catchUp();
    // The first word says from where on nothing will be missed.
    this.hub.progress(
      this.machine.store,
      watcher.owner,
      (other, events) => other !== watcher || this.deliver(other, events),
    );
    return {
      get isSynced() {
        return watcher.synced;
      },
      cancel: () => this.drop(watcher),
    };
  }

  get counts(): { readonly all: number; readonly slow: number } {
    return { all: this.hub.size, slow: this.hub.laggingCount };
  }

  private drop(watcher: Watcher): void {
    this.hub.remove(watcher);
    this.sinks.delete(watcher.id);
  }

  /** Ends every stream: its watcher is to go on elsewhere. */
  endAll(error: Error): void {
    this.hub.clear();
    for (const sink of this.sinks.values()) sink.end(error);
    this.sinks.clear();
  }

  /** Tells what was applied since the last time. Needed before a compaction may take it from the history. */
  flush(): void {
    const { store } = this.machine;
    if (store.revision === this.notified) return;
    const revisions = this.hub.size === 0 ? [] : store.revisions(this.notified + 1);
    this.notified = store.revision;
    this.hub.notify(revisions, (watcher, events) => this.deliver(watcher, events));
  }

  catchUp(): void {
    if (!this.hub.hasLagging) return;
    this.hub.catchUp(
      this.machine.store,
      (watcher, events, through) => this.deliver(watcher, events, through),
      (watcher, error) => {
        const sink = this.sinks.get(watcher.id);
        this.sinks.delete(watcher.id);
        sink?.end(error);
      },
    );
  }

  /** The store was replaced by a newer one. */
  restored(): void {
    this.hub.restored(this.notified);
    this.notified = this.machine.store.revision;
    this.catchUp();
  }

  progress(owner?: string): void {
    this.hub.progress(this.machine.store, owner, (watcher, events) => this.deliver(watcher, events));
  }

  /** `header.revision` promises: nothing up to it is still to come on this stream. */
  private deliver(watcher: Watcher, events: readonly WatchEvent[], through?: number): boolean {
    const sink = this.sinks.get(watcher.id);
    if (sink === undefined) return true;
    if (sink.buffered >= this.bufferMax) return false;
    const newest = this.machine.header();
    const header: ResponseHeader =
      through === undefined || through >= newest.revision ? newest : { ...newest, revision: through };
    watcher.told = header.revision;
    sink.push({ header, events });
    return true;
  }
}
