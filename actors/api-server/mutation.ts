/**
 * Optimistic writes: decide from the state that is known, write only if that still is the state, else decide again.
 * Source: apiserver `storage.Interface.GuaranteedUpdate`.
 */
import { statusOf } from "../../protocols/api-server.ts";
import { hasCode, InkubeError } from "../../protocols/errors.ts";
import type { Compare, KeyValue, RequestOp, TxnResponse } from "../../protocols/etcd.ts";
import { equalBytes } from "../../protocols/kept-bytes.ts";
import type { Context } from "../../runtime/actor.ts";
import type { Caller } from "./caller.ts";
import type { ResourceCache } from "./core/cache/resource-cache.ts";
import { BrokenInvariant } from "./core/broken-invariant.ts";
import type { Written } from "./core/cache/stored-object.ts";
import { encodeStored, headIn, NOT_STORED, StoredObject, writtenOf } from "./core/cache/stored-object.ts";
import { serverTimeout } from "./core/machinery/status.ts";
import type { Fields } from "./core/kinds/rules.ts";
import type { Stepped } from "./core/steps.ts";
import type { Rests } from "./lifecycle-admission.ts";
import type { Pieces } from "./pieces.ts";
import type { Wanted } from "./core/webhooks/conversion.ts";
import type { ApiServerOptions } from "./spec.ts";
import type { Store } from "./store.ts";

/** Rounds of one write before it gives up, should its deadline not come first. */
const ROUNDS_MAX = 256;

export type Outcome =
  | {
      readonly action: "put";
      readonly object: Fields;
      /** Keys to make, which must not exist, and keys to remove, with the object. */
      readonly claim?: readonly string[];
      readonly release?: readonly string[];
      readonly lease?: string;
      /** Other objects that are what they are only together with this one, each over what it was decided from. */
      readonly also?: readonly JointWrite[];
    }
  | { readonly action: "remove"; readonly object?: Fields; readonly release?: readonly string[] }
  | { readonly action: "keep" };

/** What a round can't decide before others have been asked. It begins again with what is stored by then. */
export type Decision = Outcome | { readonly await: readonly Wanted[] };

export interface Mutated {
  readonly action: "put" | "remove" | "keep";
  /** The object after the write; of a removal its last state. */
  readonly stored: StoredObject;
  readonly created: boolean;
}

/** Claim keys. */
export interface Taken {
  has(claim: string): boolean;
}

export interface Write {
  readonly cache: ResourceCache;
  /** Key within the cache. */
  readonly key: string;
  readonly deadlineMs: number;
  /** Until when it may be decided, which is no waiting for others; `deadlineMs` when left out. */
  readonly workDeadlineMs?: number;
  /** Once it has gone, nothing more is decided; absent: it is waited for to the end. */
  readonly caller?: Caller | undefined;
  readonly cause: string;
  readonly user: string;
  readonly dryRun: boolean;
  /** @param taken claim keys that another server turned out to hold */
  readonly decide: (current: StoredObject | undefined, taken: Taken) => Stepped<Decision>;
  /** Of an object that is made; absent: it rests on nothing. */
  readonly rests?: Rests;
  /** Writes of one turn go one after the other; absent: those to one object do. */
  readonly turn?: string | undefined;
  /** Asks for what `decide` awaits, so that it knows when it is called again. */
  readonly answer?: (wanted: readonly Wanted[]) => Promise<void>;
}

/** One of several objects that are written together. */
export interface JointWrite {
  readonly cache: ResourceCache;
  /** Key within the cache. */
  readonly key: string;
  /** What is there now. */
  readonly base: StoredObject | undefined;
  readonly object: Fields;
}

interface Base {
  readonly stored: StoredObject | undefined;
  /** Read from a quorum in this write, so that a refusal on its ground stands. */
  readonly fresh: boolean;
}

/** A round that waits for others. */
interface Waiting {
  readonly await: readonly Wanted[];
  readonly base: Base;
}

interface Applied {
  readonly mutated?: Mutated;
  readonly next?: Base;
}

export class Mutations {
  private readonly ctx: Context<ApiServerOptions>;
  private readonly store: Store;
  private readonly pieces: Pieces;
  /** Writes to one object through this server go one after the other: they would only make each other repeat. */
  private readonly queues = new Map<string, Promise<unknown>>();
  /** Claims that turned out to be held, by the revision at which they were: once the cache is there, it knows better. */
  private readonly taken = new Map<string, number>();
  private readonly stillTaken: Taken = { has: (claim) => (this.taken.get(claim) ?? 0) > this.store.revision };

  constructor(ctx: Context<ApiServerOptions>, store: Store, pieces: Pieces) {
    this.ctx = ctx;
    this.store = store;
    this.pieces = pieces;
  }

  /** Nobody's turn is held while others are asked. */
  async run(write: Write): Promise<Mutated> {
    const attempts = { lost: false, ...(write.cause === "" ? {} : { cause: write.cause }) };
    let base: Base | undefined;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const result = await this.inTurn(write, attempts, base);
      if (!("await" in result)) return result;
      base = result.base;
      await write.answer?.(result.await);
    }
    throw serverTimeout(write.cache.info, "update", 1);
  }

  private async inTurn(write: Write, attempts: { lost: boolean }, read: Base | undefined): Promise<Mutated | Waiting> {
    const name = write.turn ?? `${write.cache.info.storagePrefix}/${write.key}`;
    const before = this.queues.get(name);
    const begin = (): Promise<Mutated | Waiting> => this.rounds(write, attempts, read);
    const mine = before === undefined ? begin() : before.then(begin);
    const settled = mine.then(ignore, ignore);
    this.queues.set(name, settled);
    try {
      return await mine;
    } finally {
      if (this.queues.get(name) === settled) this.queues.delete(name);
    }
  }

  /**
   * Writes several objects in one transaction, if each still is what it is to be written over.
   * @returns false when one of them is not: nothing was written then
   */
  async together(
    writes: readonly JointWrite[],
    { deadlineMs, user, cause }: Pick<Write, "deadlineMs" | "user" | "cause">,
  ): Promise<boolean> {
    const compare: Compare[] = [];
    const success: RequestOp[] = [];
    for (const { cache, key, base, object } of writes) {
      const path = `${cache.info.storagePrefix}/${key}`;
      compare.push({ key: path, result: "equal", target: "mod", value: base?.revision ?? 0 });
      success.push({ put: { key: path, value: encodeStored(cache.head, object) } });
    }
    const known = cause === "" ? {} : { cause };
    const request = { compare, success, failure: [], ...known };
    const answer = await this.store.txn(request, deadlineMs, { lost: false, ...known });
    if (!answer.succeeded) return false;
    const { revision } = answer.header;
    this.store.noteWritten(revision);
    for (const { cache, key } of writes) {
      this.ctx.trace.event("write", `${cache.info.resource}/${key}`, { action: "put", revision, user }, cause);
    }
    return true;
  }

  /** @param read what an earlier round has read, which the cache may not have yet */
  private async rounds(asked: Write, attempts: { lost: boolean }, read: Base | undefined): Promise<Mutated | Waiting> {
    const { cache, key } = asked;
    let write = asked;
    const newest = cache.newest(key);
    const isNewer = read?.fresh === true && (read.stored?.revision ?? 0) >= (newest?.revision ?? 0);
    let base: Base = isNewer ? read : { stored: newest, fresh: false };
    for (let round = 0; round < ROUNDS_MAX; round++) {
      let outcome: Decision;
      const decidedAt = this.store.revision;
      try {
        const decision = this.pieces.run(
          write.decide(base.stored, this.stillTaken),
          write.workDeadlineMs ?? write.deadlineMs,
          write.caller,
        );
        if (decision instanceof Promise) {
          const sinceMs = this.ctx.clock.monotonicMs();
          outcome = await decision;
          // Others are waited for as long as ever.
          write = { ...write, deadlineMs: write.deadlineMs + this.ctx.clock.monotonicMs() - sinceMs };
        } else outcome = decision;
        if ("await" in outcome) return { await: outcome.await, base };
      } catch (error) {
        if (base.fresh || statusOf(error) === undefined) throw error;
        const known = base.stored;
        base = await this.refresh(write);
        // What nothing has changed is refused for the same reason again.
        if (decidedAt === this.store.revision && known === base.stored) throw error;
        continue;
      }
      if (outcome.action === "keep") {
        if (base.fresh && base.stored !== undefined) return { action: "keep", stored: base.stored, created: false };
        const known = base.stored;
        base = await this.refresh(write);
        if (known !== undefined && base.stored?.revision === known.revision) {
          return { action: "keep", stored: base.stored, created: false };
        }
        continue;
      }
      if (write.dryRun) return this.pretend(write, base.stored, outcome);
      const applied = await this.apply(write, base.stored, outcome, attempts);
      if (applied.mutated !== undefined) return applied.mutated;
      base = applied.next ?? base;
    }
    throw serverTimeout(cache.info, "update", 1);
  }

  private async refresh(write: Write): Promise<Base> {
    await this.store.consistent(write.deadlineMs);
    return { stored: write.cache.newest(write.key), fresh: true };
  }

  private pretend(write: Write, base: StoredObject | undefined, outcome: Outcome): Mutated {
    const { cache, key } = write;
    if (outcome.action !== "put" && base === undefined) {
      throw new BrokenInvariant(`${outcome.action} of ${key}, which is not there`);
    }
    const object = outcome.action === "keep" ? undefined : outcome.object;
    if (object === undefined) return { action: outcome.action, stored: base as StoredObject, created: false };
    const value = encodeStored(cache.head, object);
    const stored = new StoredObject(cache.head, key, base?.revision ?? NOT_STORED, value, object);
    return { action: outcome.action, stored, created: base === undefined };
  }

  private async apply(
    write: Write,
    base: StoredObject | undefined,
    outcome: Exclude<Outcome, { readonly action: "keep" }>,
    attempts: { lost: boolean },
  ): Promise<Applied> {
    const { cache, key } = write;
    const path = `${cache.info.storagePrefix}/${key}`;
    const claim = outcome.action === "put" ? (outcome.claim ?? []) : [];
    const compare: Compare[] = [{ key: path, result: "equal", target: "mod", value: base?.revision ?? 0 }];
    for (const each of claim) compare.push({ key: each, result: "equal", target: "create", value: 0 });
    const rests = base === undefined ? (write.rests?.() ?? []) : [];
    compare.push(...rests);
    const joint = jointOf(outcome);
    compare.push(
      ...joint.map((one): Compare => ({ key: one.path, result: "equal", target: "mod", value: one.base.revision })),
    );
    const written = outcome.action === "put" ? writtenOf(cache.head, outcome.object) : undefined;
    const success = operationsOf(path, key, outcome, written?.bytes);
    for (const one of joint) success.push({ put: { key: one.path, value: one.written.bytes } });
    const failure: RequestOp[] = [path, ...claim].map((each) => ({ range: { key: each } }));
    const request = { compare, success, failure, ...(write.cause === "" ? {} : { cause: write.cause }) };
    const answer = await this.send(write, request, written, attempts);
    const { revision } = answer.header;
    if (answer.succeeded) {
      this.joined(joint, revision);
      return { mutated: this.done(write, base, outcome, written, revision) };
    }
    const [kv, ...claimed] = found(answer);
    for (const [index, taken] of claimed.entries()) {
      if (taken !== undefined) this.noteTaken(claim[index] as string, revision);
    }
    if (kv === undefined) {
      if (attempts.lost && outcome.action === "remove" && base !== undefined) {
        return { mutated: { action: "remove", stored: base.at(revision), created: false } };
      }
      // What it rests on has changed, of which the cache may not know yet.
      if (rests.length + joint.length > 0) await this.store.waitFor(revision, write.deadlineMs);
      return { next: { stored: undefined, fresh: true } };
    }
    if (attempts.lost && written !== undefined && equalBytes(kv.value, written.bytes)) {
      return { mutated: this.done(write, base, outcome, written, kv.modRevision) };
    }
    if (joint.length > 0) await this.store.waitFor(revision, write.deadlineMs);
    return { next: { stored: new StoredObject(cache.head, key, kv.modRevision, kv.value), fresh: true } };
  }

  private async send(
    write: Write,
    request: Parameters<Store["txn"]>[0],
    written: Written | undefined,
    attempts: { lost: boolean },
  ): Promise<TxnResponse> {
    const { cache, key } = write;
    // Its event may come before the answer.
    if (written !== undefined) cache.announce(key, written);
    try {
      return await this.store.txn(request, write.deadlineMs, attempts);
    } catch (error) {
      if (!hasCode(error, "ETCD_REQUEST_TOO_LARGE")) throw error;
      throw new InkubeError("INVALID_ARGUMENT", "etcdserver: request is too large", { cause: error });
    } finally {
      cache.withdraw(key);
    }
  }

  private done(
    write: Write,
    base: StoredObject | undefined,
    outcome: Exclude<Outcome, { readonly action: "keep" }>,
    written: Written | undefined,
    revision: number,
  ): Mutated {
    const { cache, key } = write;
    this.store.noteWritten(revision);
    this.ctx.trace.event(
      "write",
      `${cache.info.resource}/${key}`,
      { action: outcome.action, revision, user: write.user },
      write.cause,
    );
    if (written !== undefined) {
      const created = base === undefined;
      const stored = new StoredObject(cache.head, key, revision, written.kept, written.object);
      // The watch may have been faster, and have told of what came after as well.
      if (revision > this.store.revision) cache.expect(stored);
      return { action: "put", stored, created };
    }
    if (base === undefined) throw new BrokenInvariant(`removed ${key}, which was not there`);
    const last = outcome.object;
    if (last === undefined) return { action: "remove", stored: base.at(revision), created: false };
    // An update that lets go of the last finalizer answers with the updated object under the revision that it had.
    const { apiVersion = cache.head.apiVersion } = last;
    const head = apiVersion === cache.head.apiVersion ? cache.head : headIn(apiVersion, cache.info);
    return {
      action: "remove",
      stored: new StoredObject(head, key, base.revision, encodeStored(head, last), last),
      created: false,
    };
  }

  /** What this server has written itself it need not wait for. */
  private joined(joint: readonly Joint[], revision: number): void {
    for (const { cache, key, written } of joint) {
      if (revision <= this.store.revision) continue;
      cache.expect(new StoredObject(cache.head, key, revision, written.kept, written.object));
    }
  }

  /** Remembered until the watch tells the same, so that the next choice is another one. */
  private noteTaken(claim: string, revision: number): void {
    for (const [known, at] of this.taken) if (at <= this.store.revision) this.taken.delete(known);
    this.taken.set(claim, revision);
  }
}

interface Joint {
  readonly cache: ResourceCache;
  readonly key: string;
  readonly path: string;
  readonly base: StoredObject;
  readonly written: Written;
}

function jointOf(outcome: Outcome): readonly Joint[] {
  const { also = [] } = outcome.action === "put" ? outcome : {};
  return also.map(({ cache, key, base, object }) => {
    if (base === undefined) throw new BrokenInvariant(`${key} is written along, and was not there`);
    return { cache, key, path: `${cache.info.storagePrefix}/${key}`, base, written: writtenOf(cache.head, object) };
  });
}

function operationsOf(
  path: string,
  key: string,
  outcome: Exclude<Outcome, { readonly action: "keep" }>,
  value: Uint8Array | undefined,
): RequestOp[] {
  const operations: RequestOp[] = [];
  if (outcome.action === "remove" || value === undefined) operations.push({ deleteRange: { key: path } });
  else {
    const { lease } = outcome.action === "put" ? outcome : {};
    operations.push({ put: lease === undefined ? { key: path, value } : { key: path, value, lease } });
    const owner = new TextEncoder().encode(key);
    for (const each of outcome.action === "put" ? (outcome.claim ?? []) : []) {
      operations.push({ put: { key: each, value: owner } });
    }
  }
  for (const each of outcome.release ?? []) operations.push({ deleteRange: { key: each } });
  return operations;
}

function found(answer: TxnResponse): readonly (KeyValue | undefined)[] {
  return answer.responses.map((response) => ("range" in response ? response.range.kvs[0] : undefined));
}

function ignore(): void {}
