/**
 * Follows the store, so that a record tells what each object was at each revision: all that stands once, and from then on what is
 * written, as it is stored. It asks one member of etcd after the other. What it is given waits here until it is taken.
 */
import { InkubeError, hasCode } from "../../protocols/errors.ts";
import type { EtcdMethods, RangeRequest, WatchEvent, WatchResponse } from "../../protocols/etcd.ts";
import type { Ref } from "../../runtime/actor.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Hash } from "./core/sealed.ts";
import { sealed } from "./core/sealed.ts";
import type { StoredChange } from "./core/segments/changes.ts";
import { encodeChanges, headsOf } from "./core/segments/changes.ts";
import type { ChangeBatch, ChangePart } from "./core/segments/format.ts";

const EVERYTHING = { key: "\0", rangeEnd: "\0" };
const OBJECTS = { key: "/registry/", rangeEnd: "/registry0" };
/** Keys read at a time, so that neither side has a whole store in hand. */
const PAGE = 500;
/** Before a member is asked again that has not served. */
const RETRY_MS = 250;
/** Bytes of changes that wait to be taken; beyond it the store is read anew when they are. */
const WAITING_BYTES_MAX = 16 * 1_048_576;
/** How long a question waits for what was written before it. */
const REACH_MS = 1_000;

export interface WatchHome {
  readonly members: readonly Ref<EtcdMethods>[];
  readonly clock: Clock;
  readonly stopping: AbortSignal;
  readonly hash: Hash;
  readonly pack: (bytes: Uint8Array) => Uint8Array;
}

export class ObjectWatch {
  private readonly home: WatchHome;
  /** Up to which everything has come here, or had before. */
  private revision: number;
  /** Newest that has been heard of: after it comes nothing that is older. */
  private heard = 0;
  private needsBase: boolean;
  private waiting: StoredChange[] = [];
  private waitingBytes = 0;
  private base: readonly ChangeBatch[] = [];
  private member: Ref<EtcdMethods> | undefined;
  private reached: (() => void)[] = [];

  /** @param revision up to which a record has all; undefined when it has nothing that could be gone on with */
  constructor(home: WatchHome, revision: number | undefined) {
    this.home = home;
    this.revision = revision ?? 0;
    this.needsBase = revision === undefined;
  }

  /** Until the actor stops. */
  async run(): Promise<void> {
    const { members, clock, stopping } = this.home;
    for (let turn = 0; members.length > 0 && !stopping.aborted; turn++) {
      try {
        await this.follow(members[turn % members.length]!);
      } catch (error) {
        if (!(error instanceof InkubeError)) throw error;
        if (hasCode(error, "ETCD_COMPACTED", "ETCD_FUTURE_REVISION")) this.needsBase = true;
      }
      this.member = undefined;
      if (!stopping.aborted) await clock.sleep(RETRY_MS);
    }
  }

  /** The next is another base, after which the record needs nothing of what it had before. */
  renew(): void {
    this.needsBase = true;
    this.endWatch();
  }

  /** Resolves when all that was written before the call waits here, or it can't be had in time. */
  async reach(): Promise<void> {
    const { member } = this;
    const { clock } = this.home;
    if (member === undefined) return;
    const deadlineMs = clock.monotonicMs() + REACH_MS;
    try {
      const { revision } = await member.call("readIndex", null, { timeoutMs: REACH_MS });
      while (this.heard < revision && this.member === member && clock.monotonicMs() < deadlineMs) {
        await new Promise<void>((resolve) => {
          const timer = clock.after(REACH_MS, resolve);
          this.reached.push(() => {
            timer.cancel();
            resolve();
          });
        });
      }
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
    }
  }

  /** What is to be kept next; it stays here until `taken`. */
  batches(): readonly ChangeBatch[] {
    const { waiting } = this;
    if (waiting.length === 0) return this.base;
    return [...this.base, this.batch("change", waiting, waiting.at(-1)!.revision)];
  }

  /** `batches` of before have been kept. */
  taken(batches: readonly ChangeBatch[]): void {
    const isBaseTaken = batches.includes(this.base[0]!);
    const last = batches.findLast(({ part }) => part === "change")?.lastRevision ?? 0;
    if (isBaseTaken) this.base = [];
    this.waiting = this.waiting.filter(({ revision }) => revision > last);
    this.waitingBytes = sizeOf(this.waiting);
  }

  /** Of what `batches` gives, before it is packed. */
  get newBytes(): number {
    return this.base.reduce((sum, { bytes }) => sum + bytes, this.base.length) + this.waitingBytes;
  }

  private async follow(member: Ref<EtcdMethods>): Promise<void> {
    // A store that was set up anew counts from the beginning.
    if ((await member.call("readIndex", null)).revision < this.revision) this.needsBase = true;
    if (this.needsBase) await this.readBase(member);
    if (this.home.stopping.aborted) return;
    this.member = member;
    await new Promise<void>((resolve, reject) => {
      const request = { ...EVERYTHING, startRevision: this.revision + 1 };
      const watch = member.stream("watch", request, {
        next: (response) => this.noted(response),
        end: (error) => (error === undefined ? resolve() : reject(error)),
      });
      this.endWatch = () => {
        watch.cancel();
        resolve();
      };
      this.home.stopping.addEventListener("abort", this.endWatch);
    }).finally(() => this.home.stopping.removeEventListener("abort", this.endWatch));
  }

  private endWatch: () => void = () => undefined;

  private async readBase(member: Ref<EtcdMethods>): Promise<void> {
    const batches: ChangeBatch[] = [];
    let count = 0;
    let request: RangeRequest = { ...OBJECTS, limit: PAGE };
    for (;;) {
      const { kvs, more, header } = await member.call("range", request);
      const revision = request.revision ?? header.revision;
      const page = kvs.map(({ key, value, modRevision }) =>
        sealed({ key, value, revision: modRevision }, this.home.hash),
      );
      count += page.length;
      if (page.length > 0) batches.push(this.batch("base", page, revision));
      const last = kvs.at(-1);
      if (more && last !== undefined) {
        request = { ...request, key: `${last.key}\0`, revision };
        continue;
      }
      batches.push({ ...this.batch("base-end", [], revision), count });
      this.base = batches;
      this.waiting = [];
      this.waitingBytes = 0;
      this.needsBase = false;
      this.revision = revision;
      return;
    }
  }

  private noted({ header, events }: WatchResponse): void {
    for (const event of events) {
      const change = sealed(changeOf(event), this.home.hash);
      this.waiting.push(change);
      this.waitingBytes += sizeOf([change]);
    }
    const last = events.at(-1)?.kv.modRevision ?? 0;
    this.revision = Math.max(this.revision, last);
    this.heard = Math.max(this.heard, last, events.length === 0 ? header.revision : 0);
    const { reached } = this;
    this.reached = [];
    for (const go of reached) go();
    // A disk that takes nothing for long: what has gone by is known again from the next base.
    if (this.waitingBytes > WAITING_BYTES_MAX) {
      this.waiting = [];
      this.waitingBytes = 0;
      this.renew();
    }
  }

  private batch(part: ChangePart, changes: readonly StoredChange[], lastRevision: number): ChangeBatch {
    const bytes = encodeChanges(changes);
    const packed = changes.length === 0 ? bytes : this.home.pack(bytes);
    const heads = headsOf(changes, this.home.pack);
    const firstRevision = changes[0]?.revision ?? lastRevision;
    return { part, firstRevision, lastRevision, bytes: bytes.length, count: changes.length, packed, heads };
  }
}

function changeOf({ type, kv }: WatchEvent): StoredChange {
  return { revision: kv.modRevision, key: kv.key, value: type === "put" ? kv.value : undefined };
}

function sizeOf(changes: readonly StoredChange[]): number {
  return changes.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0);
}
