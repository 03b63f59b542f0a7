/** The etcd actor: recovers its member from disk, then turns the protocol's requests into reads and commands. */
import type { EtcdMethods, MembershipMethods, TxnRequest, WatchRequest, WatchResponse } from "../../protocols/etcd.ts";
import { etcdProtocol } from "../../protocols/etcd.ts";
import { hasCode, InkubeError } from "../../protocols/errors.ts";
import type { Actor, ActorDefinition, Context, Handlers, Incoming, Ref, Sink } from "../../runtime/actor.ts";
import { defineActor } from "../../runtime/actor.ts";
import { Alarms } from "./alarms.ts";
import { BytesError } from "./core/bytes.ts";
import type { Command } from "./core/mvcc/command.ts";
import { memberIdOf } from "./core/group-id.ts";
import { etcdError } from "./core/mvcc/errors.ts";
import { decodeStore, encodeStore } from "./core/mvcc/state-codec.ts";
import { StateMachine } from "./core/mvcc/state-machine.ts";
import { checkTxn } from "./core/mvcc/txn.ts";
import { decodeMessage } from "./core/raft/message-codec.ts";
import { NO_ONE } from "./core/raft/membership.ts";
import { Raft } from "./core/raft/raft.ts";
import type { Message } from "./core/raft/types.ts";
import { WHAT_TO_DO } from "./core/wal/segment.ts";
import { quorumLost } from "./lost-disks.ts";
import { Member } from "./member.ts";
import { outOfService } from "./out-of-service.ts";
import { Peers } from "./peers.ts";
import { Replacement } from "./replacement.ts";
import type { EtcdOptions } from "./spec.ts";
import type { Opened } from "./storage.ts";
import { Storage } from "./storage.ts";

export const etcdActor: ActorDefinition<EtcdMethods, EtcdOptions> = defineActor(etcdProtocol, start);

/** What the actor is for now: who lost its disk becomes a member, and a member that is removed is none. */
interface Seat {
  stage: Actor<EtcdMethods> | undefined;
  readonly alarms: Alarms;
}

async function start(ctx: Context<EtcdOptions>): Promise<Actor<EtcdMethods>> {
  const seat: Seat = { stage: undefined, alarms: new Alarms() };
  seat.stage = await firstStage(ctx, seat);
  return { handlers: passingOn(seat), stop: () => seat.stage?.stop?.() ?? Promise.resolve() };
}

function passingOn(seat: Seat): Handlers<EtcdMethods> {
  const pass =
    (method: keyof EtcdMethods) =>
    (request: unknown, from: unknown): unknown => {
      const handlers = seat.stage?.handlers as Record<keyof EtcdMethods, (request: unknown, from: unknown) => unknown>;
      return handlers[method](request, from);
    };
  return Object.fromEntries(etcdProtocol.ids.map((id) => [id, pass(id)])) as unknown as Handlers<EtcdMethods>;
}

/** Errors: ETCD_QUORUM_LOST when the disk of the only member is lost. */
async function firstStage(ctx: Context<EtcdOptions>, seat: Seat): Promise<Actor<EtcdMethods>> {
  const storage = new Storage(ctx);
  const { name, members } = ctx.options;
  const isAlone = members.length === 1;
  try {
    const opened = await storage.open();
    if (opened !== undefined) return memberStage(ctx, seat, storage, opened);
    if (isAlone) throw quorumLost(new Map([[name, ctx.disk.root]]));
    return replacementStage(ctx, seat, storage, new InkubeError("ETCD_CORRUPT", `the disk was lost. ${WHAT_TO_DO}`));
  } catch (error) {
    // What a newer version wrote is whole, for that version.
    const mayBeReplaced = hasCode(error, "ETCD_CORRUPT") && !isAlone && !isOfNewer(error);
    if (mayBeReplaced) return replacementStage(ctx, seat, storage, error);
    if (!hasCode(error, "ETCD_CORRUPT", "DISK_FULL", "DISK_DENIED", "DISK_FAILED")) throw error;
    return outOfService(ctx, seat.alarms, error);
  }
}

function memberStage(ctx: Context<EtcdOptions>, seat: Seat, storage: Storage, opened: Opened): Actor<EtcdMethods> {
  const member = recover(ctx, seat, storage, opened);
  const stage = { handlers: makeHandlers(ctx, member), stop: () => member.stop() };
  member.onRemoved = () => {
    const removed = new InkubeError("ETCD_CORRUPT", "the group has removed this member");
    member.watches.endAll(etcdError("ETCD_OUT_OF_SERVICE", { path: ctx.disk.root }, removed.message));
    const next = replacementStage(ctx, seat, storage, removed, () => member.stop());
    // Those who have not heard of it yet may need its vote, and what it has of the log.
    const handlers = { ...next.handlers, raft: stage.handlers.raft };
    seat.stage = { handlers, stop: () => Promise.all([next.stop?.(), member.stop()]).then(() => undefined) };
  };
  member.start();
  return stage;
}

/** `end` ends what the actor has been until somebody else takes its place. */
function replacementStage(
  ctx: Context<EtcdOptions>,
  seat: Seat,
  storage: Storage,
  reason: InkubeError,
  end: () => Promise<void> = () => Promise.resolve(),
): Actor<EtcdMethods> {
  const { name } = ctx.options;
  const path = ctx.disk.root;
  return new Replacement(ctx, seat.alarms, reason, async ({ clusterId, id }) => {
    await end();
    const opened = await storage.replace({ clusterId, memberId: id, name, founding: NO_ONE });
    ctx.log.warn("takes the place of the member that it was, and gets everything from the others", {
      path,
      reason: reason.message,
    });
    ctx.trace.event("member-replaced", `etcd/${name}`, { id });
    seat.stage = memberStage(ctx, seat, storage, opened);
  }).stage;
}

function recover(
  ctx: Context<EtcdOptions>,
  { alarms }: Seat,
  storage: Storage,
  { identity, log, snapshot }: Opened,
): Member {
  const { options } = ctx;
  const peers = new Peers(ctx, identity);
  const machine = new StateMachine(identity.clusterId, memberIdOf(identity.clusterId, identity.memberId));
  if (snapshot !== undefined) machine.store = decodeStore(snapshot.data);
  const raft = new Raft(
    {
      id: identity.memberId,
      electionTicks: options.electionTicks,
      heartbeatTicks: options.heartbeatTicks,
      messageBytesMax: options.batchBytesMax,
      inflightMax: options.inflightMax,
      seed: 1 + ctx.random.below(2 ** 31),
    },
    {
      hardState: log.hardState,
      entries: log.entries,
      snapshot: snapshot ?? { index: 0, term: 0, membership: identity.founding },
    },
  );
  return new Member(ctx, { raft, peers, machine, storage, alarms });
}

function makeHandlers(ctx: Context<EtcdOptions>, member: Member): Actor<EtcdMethods>["handlers"] {
  const { options } = ctx;
  const { machine, peers, raft } = member;

  const write = <Reply>(command: Command, sizeBytes: number, grows: boolean): Promise<Reply> => {
    if (sizeBytes > options.requestBytesMax) throw etcdError("ETCD_REQUEST_TOO_LARGE");
    if (grows && machine.store.sizeBytes > options.quotaBytes) throw etcdError("ETCD_NO_SPACE");
    return member.write<Reply>(command);
  };

  return {
    range: (request) => {
      checkKey(request.key);
      if (request.serializable === true) return machine.range(request);
      return new Promise((resolve, reject) => member.read({ type: "range", request, resolve, reject }));
    },
    put: (request) => {
      checkKey(request.key);
      return write({ type: "put", request }, request.key.length + request.value.length, true);
    },
    deleteRange: (request) => {
      checkKey(request.key);
      return write({ type: "deleteRange", request }, request.key.length, false);
    },
    txn: (request) => {
      checkTxn(request);
      const { sizeBytes, grows } = measure(request);
      return write({ type: "txn", request }, sizeBytes, grows);
    },
    compact: ({ revision }) => write({ type: "compact", revision: natural(revision, "revision") }, 0, false),
    leaseGrant: ({ ttlSeconds, id }) => {
      const ttl = Math.max(options.leaseTtlSecondsMin, natural(Math.ceil(ttlSeconds), "ttlSeconds"));
      const chosen = id === undefined || id === "0" ? String(1 + ctx.random.below(2 ** 53 - 1)) : leaseId(id);
      return write({ type: "leaseGrant", id: chosen, ttlSeconds: ttl }, 0, true);
    },
    leaseRevoke: ({ id }) => write({ type: "leaseRevoke", id }, 0, false),
    leaseKeepAlive: ({ id }, message) => keepAlive(member, id, message),
    watch: (request: WatchRequest, sink: Sink<WatchResponse>) => {
      checkKey(request.key);
      member.watches.add(request, sink);
    },
    status: () => member.status(),
    alarms: (_request, sink) => member.alarms.add(sink),
    readIndex: (_request, message) =>
      new Promise((resolve, reject) => member.read({ type: "revision", owner: message.from, resolve, reject })),
    snapshot: async (_request, message) => {
      await newest(member, message);
      return { header: machine.header(), state: encodeStore(machine.store) };
    },
    moveLeader: async ({ to }, message) => {
      const id = peers.id(to);
      if (id === 0) throw new InkubeError("INVALID_ARGUMENT", `${to} is no member`);
      if (raft.leader !== 0 && raft.leader !== peers.self && peers.id(message.from) === 0) {
        const { timeoutMs } = message;
        return member.askLeader((leader, signal) => leader.call("moveLeader", { to }, { timeoutMs, signal }));
      }
      await member.moveLeader(id);
      return null;
    },
    ...membershipHandlers(member),
    raft: ({ clusterId, from, to, messages }, { from: name }) => {
      // What was sent to a member whose place this one has taken is not for it.
      if (clusterId !== peers.clusterId || to !== peers.self) return;
      const decoded = decodeMessages(messages, from, to);
      peers.metrics.received(name, messages);
      member.step(decoded, from, name);
    },
    forward: ({ proposals }) => {
      member.takeForwarded(proposals);
      return { results: [] };
    },
  };
}

type MembershipHandlers = Pick<Handlers<EtcdMethods>, keyof MembershipMethods | "replaceMember">;

/** The leader changes the group; the others pass what they are asked on to it, once at most. */
function membershipHandlers(member: Member): MembershipHandlers {
  const { changes, peers, raft } = member;
  const byLeader = <Reply>(
    { from, timeoutMs }: Pick<Incoming, "from" | "timeoutMs">,
    change: () => Promise<Reply>,
    pass: (
      leader: Ref<EtcdMethods>,
      options: { readonly timeoutMs: number; readonly signal: AbortSignal },
    ) => Promise<Reply>,
  ): Promise<Reply> => {
    const isPassedOn = peers.id(from) !== 0;
    if (raft.role === "leader" || raft.leader === 0 || isPassedOn) return change();
    return member.askLeader((leader, signal) => pass(leader, { timeoutMs, signal }));
  };
  return {
    memberList: async ({ serializable }, message) => {
      if (serializable !== true) {
        await newest(member, message);
      }
      return changes.list();
    },
    memberAdd: (request, message) =>
      byLeader(
        message,
        () => changes.add(request.peerUrls, request.isLearner),
        (leader, options) => leader.call("memberAdd", request, options),
      ),
    memberRemove: async (request, message) => {
      try {
        return await byLeader(
          message,
          () => changes.remove(request.id),
          (leader, options) => leader.call("memberRemove", request, options),
        );
      } catch (error) {
        // Where the leader itself is removed, its successor is often here before its answer.
        if (!hasCode(error, "ETCD_LEADER_CHANGED")) throw error;
        await newest(member, message);
        if (changes.has(request.id)) throw error;
        return changes.list();
      }
    },
    memberUpdate: (request, message) =>
      byLeader(
        message,
        () => changes.update(request.id, request.peerUrls),
        (leader, options) => leader.call("memberUpdate", request, options),
      ),
    memberPromote: (request, message) =>
      byLeader(
        message,
        () => changes.promote(request.id),
        (leader, options) => leader.call("memberPromote", request, options),
      ),
    replaceMember: (request, message) => {
      member.lostDisks.note(request.name, request.path);
      return byLeader(
        { timeoutMs: message.timeoutMs, from: request.name === message.from ? "" : message.from },
        () => changes.replace(request.name),
        (leader, options) => leader.call("replaceMember", request, options),
      );
    },
  };
}

/** Resolves when this member has applied all that was committed before. */
function newest(member: Member, { from: owner }: Incoming): Promise<unknown> {
  return new Promise((resolve, reject) => member.read({ type: "revision", owner, resolve, reject }));
}

/** Only the leader counts the time of leases. */
function keepAlive(
  member: Member,
  id: string,
  message: Incoming,
): Promise<{ readonly id: string; readonly ttlSeconds: number }> {
  const { raft, peers } = member;
  if (raft.role === "leader" || raft.leader === 0) {
    return new Promise((resolve, reject) => member.read({ type: "keepAlive", id, resolve, reject }));
  }
  // Passed on once at most: the members may not agree on the leader for a moment.
  if (peers.id(message.from) !== 0) throw etcdError("ETCD_LEADER_CHANGED");
  const { timeoutMs } = message;
  return member.askLeader((leader, signal) => leader.call("leaseKeepAlive", { id }, { timeoutMs, signal }));
}

function decodeMessages(messages: readonly Uint8Array[], from: number, to: number): readonly Message[] {
  try {
    return messages.map((bytes) => decodeMessage(bytes, from, to));
  } catch (error) {
    if (error instanceof BytesError) throw new InkubeError("INVALID_ARGUMENT", `no message of Raft: ${error.message}`);
    throw error;
  }
}

function isOfNewer({ details }: InkubeError): boolean {
  return typeof details === "object" && details !== null && "version" in details;
}

function checkKey(key: string): void {
  if (typeof key !== "string" || key === "")
    throw new InkubeError("INVALID_ARGUMENT", "etcdserver: key is not provided");
}

/** An int64 as text; what all members carry out must be good on all of them. */
function leaseId(id: string): string {
  if (/^(0|[1-9]\d{0,18})$/.test(id)) return id;
  throw new InkubeError("INVALID_ARGUMENT", `${JSON.stringify(id)} is no id of a lease`);
}

function natural(value: number, what: string): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new InkubeError("INVALID_ARGUMENT", `${what} must be a natural number, not ${value}`);
}

/** What a transaction carries at most, and whether it can make the store larger. */
function measure(request: TxnRequest): { readonly sizeBytes: number; readonly grows: boolean } {
  let sizeBytes = 0;
  let grows = false;
  for (const compare of request.compare) {
    checkKey(compare.key);
    sizeBytes += compare.key.length + (compare.target === "value" ? compare.value.length : 0);
    if (compare.target === "lease") leaseId(compare.value);
    else if (compare.target !== "value") natural(compare.value, compare.target);
  }
  for (const op of [...request.success, ...request.failure]) {
    if ("put" in op) {
      checkKey(op.put.key);
      sizeBytes += op.put.key.length + op.put.value.length;
      grows = true;
    } else if ("range" in op) {
      sizeBytes += op.range.key.length;
      natural(op.range.limit ?? 0, "limit");
      natural(op.range.revision ?? 0, "revision");
    } else {
      sizeBytes += op.deleteRange.key.length;
    }
  }
  return { sizeBytes, grows };
}
