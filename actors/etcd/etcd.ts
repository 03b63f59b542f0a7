/** The etcd actor: recovers its member from disk, then turns the protocol's requests into reads and commands. */
import type { EtcdMethods, WatchRequest, WatchResponse } from "../../protocols/etcd.ts";
import { etcdProtocol } from "../../protocols/etcd.ts";
import { hasCode, InkubeError } from "../../protocols/errors.ts";
import type { Actor, ActorDefinition, CallOptions, Context, Incoming, Ref, Sink } from "../../runtime/actor.ts";
import { defineActor } from "../../runtime/actor.ts";
import { BytesError } from "./core/bytes.ts";
import { checkKey, checkPutFields, checkRange, leaseId, leaseTtl, natural, weigh } from "./core/mvcc/check-request.ts";
import type { Command } from "./core/mvcc/command.ts";
import { groupId } from "./core/group-id.ts";
import { etcdError } from "./core/mvcc/errors.ts";
import { decodeStore, encodeStore } from "./core/mvcc/state-codec.ts";
import { StateMachine } from "./core/mvcc/state-machine.ts";
import { checkTxn } from "./core/mvcc/txn.ts";
import { decodeMessage } from "./core/raft/message-codec.ts";
import { Raft } from "./core/raft/raft.ts";
import type { Message } from "./core/raft/types.ts";
import { openDoor } from "./door.ts";
import { quorumLost } from "./lost-disks.ts";
import { Member } from "./member.ts";
import { outOfService } from "./out-of-service.ts";
import { Peers } from "./peers.ts";
import type { EtcdOptions } from "./spec.ts";
import { Storage } from "./storage.ts";

export const etcdActor: ActorDefinition<EtcdMethods, EtcdOptions> = defineActor(etcdProtocol, start);

async function start(ctx: Context<EtcdOptions>): Promise<Actor<EtcdMethods>> {
  let member: Member;
  try {
    member = await recover(ctx);
  } catch (error) {
    if (!hasCode(error, "ETCD_CORRUPT", "DISK_FULL", "DISK_DENIED", "DISK_FAILED")) throw error;
    return outOfService(ctx, error);
  }
  for (const id of member.peers.ids) {
    if (id !== member.peers.self) ctx.monitor(member.peers.name(id), () => member.peerDown(id));
  }
  member.start();
  const handlers = makeHandlers(ctx, member);
  const { listen } = ctx.options;
  const door = listen === undefined ? undefined : await openDoor(ctx, listen, member, handlers);
  const stop = async (): Promise<void> => {
    await door?.close();
    await member.stop();
  };
  return { handlers, stop };
}

async function recover(ctx: Context<EtcdOptions>): Promise<Member> {
  const { options } = ctx;
  const peers = new Peers(ctx);
  const clusterId = groupId(peers.ids.map((id) => peers.name(id)));
  const storage = new Storage(ctx, { clusterId, memberId: peers.self });
  const { log, snapshot, isLost } = await storage.open();
  const { recovering } = log.hardState;
  if (recovering && peers.ids.length === 1) throw quorumLost(ctx, peers, peers.ids);
  if (isLost) {
    ctx.log.error("the disk was lost: this member has no vote until it has recovered", { path: ctx.disk.root });
    ctx.trace.event("disk-lost", `etcd/${options.name}`, { path: ctx.disk.root });
  }
  const machine = new StateMachine(clusterId, String(peers.self));
  if (snapshot !== undefined) machine.store = decodeStore(snapshot.data);
  const raft = new Raft(
    {
      id: peers.self,
      electionTicks: options.electionTicks,
      heartbeatTicks: options.heartbeatTicks,
      messageBytesMax: options.batchBytesMax,
      inflightMax: options.inflightMax,
      seed: 1 + ctx.random.below(2 ** 31),
    },
    {
      hardState: log.hardState,
      entries: log.entries,
      snapshot: snapshot ?? { index: 0, term: 0, membership: { voters: peers.ids, learners: [] } },
    },
  );
  return new Member(ctx, { raft, peers, machine, storage });
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
        (leader, options) => leader.call("leaseKeepAlive", { id }, options),
      ),
    leaseTimeToLive: (request, message) =>
      ofLeader(
        member,
        message,
        () => member.view(() => member.leases.timeToLive(request)),
        (leader, options) => leader.call("leaseTimeToLive", request, options),
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
      await new Promise((resolve, reject) => member.read({ type: "revision", owner: message.from, resolve, reject }));
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
    raft: ({ messages }, { from }) => {
      const decoded = decodeMessages(messages, peers.id(from), peers.self);
      peers.metrics.received(from, messages);
      member.step(decoded);
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
  if (from === 0) throw new InkubeError("INVALID_ARGUMENT", "the sender is no member");
  try {
    return messages.map((bytes) => decodeMessage(bytes, from, to));
  } catch (error) {
    if (error instanceof BytesError) throw new InkubeError("INVALID_ARGUMENT", `no message of Raft: ${error.message}`);
    throw error;
  }
}
