/**
 * Lock and Election: keys below a name, one for each lease, of which the oldest holds. A lock is not safe by itself where its
 * holder may be slow (Jepsen, etcd 3.4.3): its key's revision is what to fence with.
 * Source: etcd `server/etcdserver/api/v3lock`, `v3election`, `client/v3/concurrency`.
 */
import type { EtcdMethods, KeyValue, ResponseHeader, WatchEvent } from "../../../protocols/etcd.ts";
import { etcdError } from "../../../protocols/etcd-errors.ts";
import { GRPC } from "../../../protocols/etcd-wire/grpc.ts";
import { bytesOfText, textOfBytes } from "../../../protocols/text-bytes.ts";
import type { Actor } from "../../../runtime/actor.ts";
import { keyValue } from "../core/grpc/answers.ts";
import type { Member } from "../member.ts";
import type { GrpcCall, Services } from "./calls.ts";
import { status } from "./calls.ts";

/** Of a lease that is made for a caller who gives none; as the client library's session. */
const SESSION_TTL_SECONDS = 60;
const NO_VALUE = new Uint8Array(0);
const NOT_LEADER = "election: not leader";
const NO_LEADER = "election: no leader";
const MISSING_LEADER = '"leader" field must be provided';

interface Held {
  readonly header: ResponseHeader;
  readonly key: string;
  readonly revision: number;
  readonly lease: string;
}

export function concurrencyServices(handlers: Actor<EtcdMethods>["handlers"], member: Member): Services {
  const queue = new Queue(handlers, member);
  return {
    "/v3lockpb.Lock/Lock": async ({ name, lease }, call) => {
      const prefix = `${textOfBytes(name)}/`;
      const held = await queue.enter(prefix, lease, NO_VALUE, call);
      await queue.wait(prefix, held, call);
      const { kvs, header } = await handlers.range({ key: held.key }, call);
      if (kvs.length === 0) throw status(GRPC.UNKNOWN, "mutex: session is expired");
      return { header, key: bytesOfText(held.key) };
    },
    "/v3lockpb.Lock/Unlock": async ({ key }, call) => {
      const { header } = await handlers.deleteRange({ key: textOfBytes(key) }, call);
      return { header };
    },
    "/v3electionpb.Election/Campaign": async ({ name, lease, value }, call) => {
      const prefix = `${textOfBytes(name)}/`;
      const held = await queue.enter(prefix, lease, value, call);
      await queue.wait(prefix, held, call);
      const leader = { name, key: bytesOfText(held.key), rev: held.revision, lease: held.lease };
      return { header: held.header, leader };
    },
    "/v3electionpb.Election/Proclaim": async ({ leader, value }, call) => {
      if (leader === undefined) throw status(GRPC.UNKNOWN, MISSING_LEADER);
      const key = textOfBytes(leader.key);
      return { header: await queue.proclaim(key, leader.rev, leader.lease, value, call) };
    },
    "/v3electionpb.Election/Leader": async ({ name }, call) => {
      const { header, kvs } = await queue.first(`${textOfBytes(name)}/`, call);
      const [kv] = kvs;
      if (kv === undefined) throw status(GRPC.UNKNOWN, NO_LEADER);
      return { header, kv: keyValue(kv) };
    },
    "/v3electionpb.Election/Observe": async ({ name }, stream) => {
      const prefix = `${textOfBytes(name)}/`;
      const told = (header: ResponseHeader, kv: KeyValue): void => stream.send({ header, kv: keyValue(kv) });
      while (!stream.signal.aborted) {
        const { header, kvs } = await queue.first(prefix, stream);
        const [kv] = kvs;
        if (kv === undefined) {
          // Whoever comes is the first.
          await queue.follow(prefix, endOf(prefix), header.revision + 1, stream, ({ type }) => type === "put");
          continue;
        }
        told(header, kv);
        await queue.follow(kv.key, undefined, header.revision + 1, stream, (event, at) => {
          if (event.type === "put") told(at, event.kv);
          return event.type === "delete";
        });
      }
    },
    "/v3electionpb.Election/Resign": async ({ leader }, call) => {
      if (leader === undefined) throw status(GRPC.UNKNOWN, MISSING_LEADER);
      return { header: await queue.leave(textOfBytes(leader.key), leader.rev, call) };
    },
  };
}

class Queue {
  private readonly handlers: Actor<EtcdMethods>["handlers"];
  private readonly member: Member;

  constructor(handlers: Actor<EtcdMethods>["handlers"], member: Member) {
    this.handlers = handlers;
    this.member = member;
  }

  /** Puts the key of the lease below `prefix`; one that is there already keeps its place, and gets the value. */
  async enter(prefix: string, given: string, value: Uint8Array, call: GrpcCall): Promise<Held> {
    // Views on the request do not live as long as what is waited for.
    const own = Uint8Array.from(value);
    const { handlers } = this;
    const lease = given === "0" ? (await handlers.leaseGrant({ ttlSeconds: SESSION_TTL_SECONDS }, call)).id : given;
    const key = prefix + hex(lease);
    const answer = await handlers.txn(
      {
        compare: [{ key, target: "create", result: "equal", value: 0 }],
        success: [{ put: { key, value: own, lease } }],
        failure: [{ range: { key } }],
      },
      call,
    );
    const { header } = answer;
    const [found] = answer.responses;
    if (answer.succeeded || found === undefined || !("range" in found)) {
      return { header, key, revision: header.revision, lease };
    }
    const kv = found.range.kvs[0] as KeyValue;
    if (Buffer.compare(kv.value, own) !== 0) await this.proclaim(key, kv.createRevision, lease, own, call);
    return { header, key, revision: kv.createRevision, lease };
  }

  /** Until no older key is left below `prefix`. A caller that gives up leaves. */
  async wait(prefix: string, held: Held, call: GrpcCall): Promise<void> {
    const rangeEnd = endOf(prefix);
    for (;;) {
      if (call.signal.aborted) {
        await this.leave(held.key, held.revision, call);
        throw status(GRPC.CANCELLED, "context canceled");
      }
      const { header, kvs } = await this.handlers.range(
        {
          key: prefix,
          rangeEnd,
          limit: 1,
          sort: { target: "create", isDescending: true },
          maxCreateRevision: held.revision - 1,
        },
        call,
      );
      const [last] = kvs;
      if (last === undefined) return;
      await this.follow(last.key, undefined, header.revision + 1, call, ({ type }) => type === "delete");
    }
  }

  first(
    prefix: string,
    call: GrpcCall,
  ): Promise<{ readonly header: ResponseHeader; readonly kvs: readonly KeyValue[] }> {
    const sort = { target: "create", isDescending: false } as const;
    return Promise.resolve(this.handlers.range({ key: prefix, rangeEnd: endOf(prefix), limit: 1, sort }, call));
  }

  async proclaim(
    key: string,
    revision: number,
    lease: string,
    value: Uint8Array,
    call: GrpcCall,
  ): Promise<ResponseHeader> {
    const { header, succeeded } = await this.handlers.txn(
      {
        compare: [{ key, target: "create", result: "equal", value: Math.max(-1, revision) }],
        success: [{ put: { key, value, lease } }],
        failure: [],
      },
      call,
    );
    if (!succeeded) throw status(GRPC.UNKNOWN, NOT_LEADER);
    return header;
  }

  async leave(key: string, revision: number, call: GrpcCall): Promise<ResponseHeader> {
    const { header } = await this.handlers.txn(
      {
        compare: [{ key, target: "create", result: "equal", value: Math.max(-1, revision) }],
        success: [{ deleteRange: { key } }],
        failure: [],
      },
      call,
    );
    return header;
  }

  /** Watches until `isLast` says so of an event, or the caller gives up. Errors: of the watch. */
  follow(
    key: string,
    rangeEnd: string | undefined,
    startRevision: number,
    call: GrpcCall,
    isLast: (event: WatchEvent, header: ResponseHeader) => boolean,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const over = new AbortController();
      const done = (error?: Error): void => {
        over.abort();
        call.signal.removeEventListener("abort", canceled);
        if (error === undefined) resolve();
        else reject(error);
      };
      const canceled = (): void => done();
      if (call.signal.aborted) return resolve();
      call.signal.addEventListener("abort", canceled, { once: true });
      this.member.watches.add(
        { key, startRevision, ...(rangeEnd === undefined ? {} : { rangeEnd }) },
        {
          from: call.from,
          signal: over.signal,
          buffered: 0,
          push: ({ header, events }) => {
            for (const event of events) if (!over.signal.aborted && isLast(event, header)) done();
          },
          end: (error) => done(error ?? etcdError("ETCD_OUT_OF_SERVICE")),
        },
        true,
      );
    });
  }
}

/** As Go's `%x` writes an int64. */
function hex(lease: string): string {
  return BigInt(lease).toString(16);
}

/** The end of the range of all keys that begin with `prefix`, which ends with "/". */
function endOf(prefix: string): string {
  return `${prefix.slice(0, -1)}0`;
}
