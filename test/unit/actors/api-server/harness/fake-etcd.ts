/** etcd's own state machine behind the etcd protocol, without Raft, disk or network; its failures are for tests to choose. */
import { StateMachine } from "../../../../../actors/etcd/core/mvcc/state-machine.ts";
import { keyRange } from "../../../../../actors/etcd/core/mvcc/key-order.ts";
import type { Watcher } from "../../../../../actors/etcd/core/mvcc/watch-hub.ts";
import { WatchHub } from "../../../../../actors/etcd/core/mvcc/watch-hub.ts";
import { InkubeError } from "../../../../../protocols/errors.ts";
import type { EtcdMethods, WatchRequest, WatchResponse } from "../../../../../protocols/etcd.ts";
import type { Consumer, Ref, Subscription } from "../../../../../runtime/actor.ts";

/** `refuse`: not carried out. `lose`: carried out, and the answer is lost. */
export interface Trouble {
  readonly how: "refuse" | "lose";
  readonly code: string;
}

export class FakeEtcd {
  readonly machine: StateMachine = new StateMachine("cluster", "member");
  /** Calls by method, for tests that count. */
  readonly calls: Map<string, number> = new Map();
  private readonly hub = new WatchHub();
  private readonly consumers = new Map<Watcher, Consumer<WatchResponse>>();
  private readonly memberOf = new WeakMap<object, string>();
  private readonly troubles: { readonly method: string; readonly trouble: Trouble }[] = [];
  /** Names of the members that watches were opened at, in order. */
  readonly watchedAt: string[] = [];
  /** What each member says is wrong with it. */
  errors: readonly string[] = [];
  private readonly stalled = new Set<string>();
  private readonly delays: { readonly method: string; readonly until: Promise<void> }[] = [];
  private leases = 0;
  private held: (() => void)[] | undefined;

  /** The next call of `method` goes wrong. */
  trouble(method: string, trouble: Trouble): void {
    this.troubles.push({ method, trouble });
  }

  /** The next call of `method` is carried out, and answered when the function that comes back is called. */
  delay(method: string): () => void {
    let answer: () => void = () => {};
    this.delays.push({ method, until: new Promise((resolve) => (answer = resolve)) });
    return () => answer();
  }

  /** Watches at this member bring nothing more. */
  stall(member: string): void {
    this.stalled.add(member);
    for (const [watcher, consumer] of [...this.consumers]) {
      if (this.memberOf.get(consumer) === member) this.hub.remove(watcher);
    }
  }

  /** Watches bring nothing until `release`. */
  hold(): void {
    this.held = [];
  }

  release(): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const deliver of held) deliver();
  }

  /** Ends all watches, as the death of the member does. */
  breakWatches(code: string = "ACTOR_DOWN"): void {
    for (const [watcher, consumer] of [...this.consumers]) {
      this.hub.remove(watcher);
      this.consumers.delete(watcher);
      consumer.end(new InkubeError(code, "broken by the test", { retryable: true }));
    }
  }

  compact(): void {
    this.machine.apply({ type: "compact", revision: this.machine.store.revision }, true);
  }

  ref(name: string): Ref<EtcdMethods> {
    return {
      name,
      call: ((method: string, request: unknown) => this.call(method, request)) as Ref<EtcdMethods>["call"],
      cast: () => undefined,
      offer: () => Promise.resolve(),
      stream: ((_method: string, request: WatchRequest, consumer: Consumer<WatchResponse>) =>
        this.watch(name, request, consumer)) as unknown as Ref<EtcdMethods>["stream"],
    };
  }

  private async call(method: string, request: unknown): Promise<unknown> {
    this.calls.set(method, (this.calls.get(method) ?? 0) + 1);
    await Promise.resolve();
    const index = this.troubles.findIndex((each) => each.method === method);
    const trouble = index < 0 ? undefined : this.troubles.splice(index, 1)[0]?.trouble;
    const error = trouble && new InkubeError(trouble.code, "made by the test", { retryable: true });
    if (trouble?.how === "refuse") throw error;
    const answer = this.answer(method, request);
    const delay = this.delays.findIndex((each) => each.method === method);
    await (delay < 0 ? Promise.resolve() : this.delays.splice(delay, 1)[0]?.until);
    if (error !== undefined) throw error;
    if (answer instanceof InkubeError) throw answer;
    return answer;
  }

  private answer(method: string, request: unknown): unknown {
    const before = this.machine.store.revision;
    switch (method) {
      case "readIndex":
        return { revision: before };
      case "status":
        return { header: this.machine.header(), errors: this.errors };
      case "range":
        return this.machine.range(request as never);
      case "compact":
        return this.machine.apply({ type: "compact", ...(request as { revision: number }) }, true);
      case "leaseGrant": {
        const { ttlSeconds } = request as { ttlSeconds: number };
        return this.machine.apply({ type: "leaseGrant", id: String(++this.leases), ttlSeconds }, true);
      }
      case "put":
      case "deleteRange":
      case "leaseRevoke":
      case "txn": {
        const command = method === "leaseRevoke" ? { type: method, ...(request as object) } : { type: method, request };
        const answer = this.machine.apply(command as never, true);
        const revisions = this.machine.store.revisions(before + 1);
        this.deliver(() => this.hub.notify(revisions, (watcher, events) => this.push(watcher, events)));
        return answer;
      }
      default:
        throw new Error(`the fake has no ${method}`);
    }
  }

  private deliver(action: () => void): void {
    if (this.held === undefined) action();
    else this.held.push(action);
  }

  private push(watcher: Watcher, events: WatchResponse["events"]): boolean {
    const consumer = this.consumers.get(watcher);
    const header = this.machine.header();
    queueMicrotask(() => void consumer?.next({ header, events }));
    return true;
  }

  private watch(member: string, request: WatchRequest, consumer: Consumer<WatchResponse>): Subscription {
    this.watchedAt.push(member);
    this.memberOf.set(consumer, member);
    if (this.stalled.has(member)) return { cancel: () => undefined };
    const watcher = this.hub.add(this.machine.store, {
      range: keyRange(request.key, request.rangeEnd),
      startRevision: request.startRevision,
      prevKv: false,
      progressNotify: true,
      owner: "test",
    });
    this.consumers.set(watcher, consumer);
    this.hub.catchUp(
      this.machine.store,
      (each, events) => this.push(each, events),
      (_each, error) => queueMicrotask(() => consumer.end(error)),
    );
    return {
      cancel: () => {
        this.consumers.delete(watcher);
        this.hub.remove(watcher);
      },
    };
  }
}
