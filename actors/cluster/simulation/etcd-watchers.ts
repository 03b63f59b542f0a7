/** Clients of etcd that watch: one key or many, from now on or from some revision, and on at another member where one ends. */
import { hasCode } from "../../../protocols/errors.ts";
import type { WatchRequest } from "../../../protocols/etcd.ts";
import { etcdProtocol } from "../../../protocols/etcd.ts";
import type { Random } from "../../../runtime/random.ts";
import type { WatchStream } from "./checks/etcd-watches.ts";
import { checkWatches } from "./checks/etcd-watches.ts";
import type { EtcdGroup } from "./etcd-group.ts";
import type { Observer } from "./observer.ts";
import { compactRevision } from "./observer.ts";
import { one } from "./swarm.ts";

const WATCHERS = 4;
const RANGES: readonly Pick<WatchRequest, "key" | "rangeEnd">[] = [
  { key: "/history/", rangeEnd: "/history0" },
  { key: "/history/a" },
  { key: "/history/b", rangeEnd: "\0" },
  { key: "/leased/", rangeEnd: "/leased0" },
];
const REOPEN_MS = 20;
/** How far back a watch may begin. */
const BACK_MAX = 40;
/** What one that is slow takes for each response: the member must keep the next ones, and read them up later. */
const SLOW_MS = 3_000;
const SLOW_LIVES = 4;

export class EtcdWatchers {
  readonly streams: WatchStream[] = [];
  private readonly group: EtcdGroup;
  private readonly observer: Observer;
  private readonly random: Random;
  /** How long one stays open, at most. */
  private readonly lifeMs: number;
  private isOver = false;

  constructor(group: EtcdGroup, observer: Observer, lifeMs: number) {
    this.group = group;
    this.observer = observer;
    this.lifeMs = lifeMs;
    this.random = group.host.world.random("etcd-watchers");
  }

  start(): void {
    for (let index = 0; index < WATCHERS; index++) this.watch(`etcd-watcher-${index}`, undefined);
  }

  stop(): void {
    this.isOver = true;
  }

  /** Errors: PROMISE_BROKEN. The observer must have come to all that was told. */
  check(): void {
    checkWatches(this.streams, this.observer.log);
  }

  /** `goOn`: the stream whose end this one takes up. */
  private watch(client: string, goOn: WatchStream | undefined): void {
    if (this.isOver) return;
    const { context } = this.group.host;
    const member = one(this.random, this.group.members);
    const stream: WatchStream = { client, member, request: this.request(goOn), responses: [] };
    this.streams.push(stream);
    const goOnLater = (after: WatchStream | undefined): void => {
      context.clock.after(REOPEN_MS, () => this.watch(client, after));
    };
    let isOpen = true;
    const isSlow = this.random.below(3) === 0;
    const subscription = context.ref(etcdProtocol, member).stream("watch", stream.request, {
      next: ({ header, events }) => {
        if (this.isOver || !isOpen) return undefined;
        stream.responses.push({ revision: header.revision, events });
        return isSlow ? context.clock.sleep(this.random.below(SLOW_MS)) : undefined;
      },
      end: (error) => {
        isOpen = false;
        life.cancel();
        const isForgotten = hasCode(error, "ETCD_COMPACTED");
        if (isForgotten) stream.compacted = compactRevision(error);
        goOnLater(isForgotten ? undefined : stream);
      },
    });
    const lifeMs = (isSlow ? SLOW_LIVES : 1) * this.random.below(this.lifeMs);
    const life = context.clock.after(1 + lifeMs, () => {
      isOpen = false;
      subscription.cancel();
      goOnLater(this.random.below(3) > 0 ? stream : undefined);
    });
  }

  private request(goOn: WatchStream | undefined): WatchRequest {
    const prevKv = this.random.below(2) === 0;
    const progressNotify = this.random.below(2) === 0;
    const last = goOn?.responses.at(-1);
    if (goOn !== undefined) {
      const { key, rangeEnd, startRevision } = goOn.request;
      const range = rangeEnd === undefined ? { key } : { key, rangeEnd };
      const from = last === undefined ? startRevision : last.revision + 1;
      return { ...range, prevKv, progressNotify, ...(from === undefined ? {} : { startRevision: from }) };
    }
    const range = one(this.random, RANGES);
    const { revision } = this.observer.log;
    const draw = this.random.below(3);
    if (draw === 0) return { ...range, prevKv, progressNotify };
    // A little ahead now and then: what a member that is behind has not come to yet.
    const from = draw === 1 ? revision + 1 + this.random.below(3) : revision - this.random.below(BACK_MAX);
    return { ...range, prevKv, progressNotify, startRevision: Math.max(1, from) };
  }
}
