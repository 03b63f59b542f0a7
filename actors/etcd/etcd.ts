/** The etcd actor: recovers its member from disk, then turns the protocol's requests into reads and commands. */
import type { EtcdMethods, WatchRequest, WatchResponse } from "../../protocols/etcd.ts";
import { etcdProtocol } from "../../protocols/etcd.ts";
import { hasCode, InkubeError } from "../../protocols/errors.ts";
import type {
  Actor,
  ActorDefinition,
  CallOptions,
  Context,
  Handlers,
  Incoming,
  Ref,
  Sink,
} from "../../runtime/actor.ts";
import { defineActor } from "../../runtime/actor.ts";
import { Alarms } from "./alarms.ts";
import { BytesError } from "./core/bytes.ts";
import { checkKey, checkPutFields, checkRange, leaseId, leaseTtl, natural, weigh } from "./core/mvcc/check-request.ts";
import type { Command } from "./core/mvcc/command.ts";
import { memberIdOf } from "./core/group-id.ts";
import { etcdError } from "../../protocols/etcd-errors.ts";
import { decodeStore, encodeStore } from "./core/mvcc/state-codec.ts";
import { StateMachine } from "./core/mvcc/state-machine.ts";
import { checkTxn } from "./core/mvcc/txn.ts";
import { decodeMessage } from "./core/raft/message-codec.ts";
import { NO_ONE } from "./core/raft/membership.ts";
import { Raft } from "./core/raft/raft.ts";
import type { Message } from "./core/raft/types.ts";
import { WHAT_TO_DO } from "./core/wal/segment.ts";
import type { OpenDoor } from "./door.ts";
import { openDoor } from "./door.ts";
import { quorumLost } from "./lost-disks.ts";
import { Member } from "./member.ts";
import { membershipHandlers, newest } from "./membership-handlers.ts";
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
    if (opened !== undefined) return await memberStage(ctx, seat, storage, opened);
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

/** Errors: those of `openDoor`. */
async function memberStage(
  ctx: Context<EtcdOptions>,
  seat: Seat,
  storage: Storage,
  opened: Opened,
): Promise<Actor<EtcdMethods>> {
  const member = recover(ctx, seat, storage, opened);
  const handlers = makeHandlers(ctx, member);
  let door: OpenDoor | undefined;
  const stop = async (): Promise<void> => {
    await door?.close();
    await member.stop();
  };
  member.onRemoved = () => {
    const removed = new InkubeError("ETCD_CORRUPT", "the group has removed this member");
    member.watches.endAll(etcdError("ETCD_OUT_OF_SERVICE", { path: ctx.disk.root }, removed.message));
    const next = replacementStage(ctx, seat, storage, removed, stop);
    // Those who have not heard of it yet may need its vote, and what it has of the log.
    seat.stage = {
      handlers: { ...next.handlers, raft: handlers.raft },
      stop: () => Promise.all([next.stop?.(), stop()]).then(() => undefined),
    };
  };
  member.start();
  const { listen } = ctx.options;
  door = listen === undefined ? undefined : await openDoor(ctx, listen, member, handlers);
  return { handlers, stop };
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
    seat.stage = await memberStage(ctx, seat, storage, opened);
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
      checkRange(request);
      if (request.serializable === true) return machine.range(request);
      return new Promise((resolve, reject) => member.read({ type: "range", request, resolve, reject }));
    },
    put: (request) => {
      checkPutFields(request);
      return write({ type: "put", request }, request.key.length + request.value.length, true);
    },
    deleteRange: (request) => {
      checkKey(request.key);
      return write({ type: "deleteRange", request }, request.key.length, false);
    },
    txn: (request) => {
      checkTxn(request);
      const { sizeBytes, grows } = weigh(request);
      return write({ type: "txn", request }, sizeBytes, grows);
    },
    compact: ({ revision }) => write({ type: "compact", revision: natural(revision, "revision") }, 0, false),
    leaseGrant: ({ ttlSeconds, id }) => {
      const ttl = leaseTtl(ttlSeconds, options.leaseTtlSecondsMin);
      const chosen = id === undefined || id === "0" ? String(1 + ctx.random.below(2 ** 53 - 1)) : leaseId(id);
      return write({ type: "leaseGrant", id: chosen, ttlSeconds: ttl }, 0, true);
    },
    leaseRevoke: ({ id }) => write({ type: "leaseRevoke", id }, 0, false),
    leaseKeepAlive: ({ id }, message) =>
      ofLeader(
        member,
        message,
        () => new Promise((resolve, reject) => member.read({ type: "keepAlive", id, resolve, reject })),
        (leader, how) => leader.call("leaseKeepAlive", { id }, how),
      ),
    leaseTimeToLive: (request, message) =>
      ofLeader(
        member,
        message,
        () => member.view(() => member.leases.timeToLive(request)),
        (leader, how) => leader.call("leaseTimeToLive", request, how),
      ),
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

/** Only the leader counts the time of leases: it answers by itself, any other member asks it. */
function ofLeader<Reply>(
  member: Member,
  message: Incoming,
  answer: () => Promise<Reply>,
  ask: (leader: Ref<EtcdMethods>, options: CallOptions) => Promise<Reply>,
): Promise<Reply> {
  const { raft, peers } = member;
  if (raft.role === "leader" || raft.leader === 0) return answer();
  // Passed on once at most: the members may not agree on the leader for a moment.
  if (peers.id(message.from) !== 0) throw etcdError("ETCD_LEADER_CHANGED");
  const { timeoutMs } = message;
  return member.askLeader((leader, signal) => ask(leader, { timeoutMs, signal }));
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
