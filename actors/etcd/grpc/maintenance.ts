/** Maintenance and Cluster. Source: etcd `server/etcdserver/api/v3rpc/maintenance.go`, `member.go`. */
import type { EtcdMethods } from "../../../protocols/etcd.ts";
import { GRPC } from "../../../protocols/etcd-wire/grpc.ts";
import { ENUMS } from "../../../protocols/etcd-wire/tables.ts";
import { memberIdOf } from "../core/group-id.ts";
import { hashKv } from "../core/bbolt/revisions.ts";
import { snapshotFile } from "../core/bbolt/snapshot.ts";
import type { Handlers } from "../../../runtime/actor.ts";
import type { Member } from "../member.ts";
import type { EtcdOptions } from "../spec.ts";
import type { Services } from "./calls.ts";
import { status } from "./calls.ts";
import type { Group, GroupMember } from "./group.ts";

/** Of one message of a snapshot; as etcd's. */
const BLOB_BYTES = 32 * 1_024;
const { GET, ACTIVATE } = ENUMS.AlarmAction;
const { NONE } = ENUMS.AlarmType;

export function maintenanceServices(
  member: Member,
  group: Group,
  options: EtcdOptions,
  sha256: (pieces: readonly Uint8Array[]) => Uint8Array,
): Services {
  const { machine, raft } = member;
  return {
    "/etcdserverpb.Maintenance/Status": () => {
      const told = member.status();
      const { version, raftTerm, raftIndex, raftAppliedIndex, dbSizeBytes } = told;
      return {
        header: told.header,
        version,
        dbSize: dbSizeBytes,
        leader: raft.leader === 0 ? "0" : memberIdOf(member.peers.clusterId, raft.leader),
        raftIndex,
        raftTerm,
        raftAppliedIndex,
        errors: raft.leader === 0 ? ["etcdserver: no leader", ...told.errors] : told.errors,
        dbSizeInUse: dbSizeBytes,
        isLearner: told.isLearner,
        storageVersion: version,
        dbSizeQuota: options.quotaBytes,
        downgradeInfo: {},
      };
    },
    // The store is in memory, and has no holes.
    "/etcdserverpb.Maintenance/Defragment": () => ({ header: machine.header() }),
    "/etcdserverpb.Maintenance/Hash": () => ({ header: machine.header(), hash: machine.store.hash >>> 0 }),
    "/etcdserverpb.Maintenance/HashKV": ({ revision }) => {
      const { hash, compactRevision, hashRevision } = hashKv(machine.store, revision);
      return { header: machine.header(), hash, compactRevision, hashRevision };
    },
    "/etcdserverpb.Maintenance/Alarm": async ({ action, alarm, memberId }) => {
      if (action === ACTIVATE) throw status(GRPC.UNIMPLEMENTED, "alarms are raised by the members alone");
      const members = await group.list();
      // They end by themselves, with what they tell of: to disarm one is to be told that it was there.
      const alarms = members.flatMap(({ id, alarms: all }) =>
        (memberId === "0" || memberId === id ? all : []).map(({ type }) => ({
          memberId: id,
          alarm: ENUMS.AlarmType[type],
        })),
      );
      const isAsked = (type: number): boolean => action === GET || alarm === NONE || alarm === type;
      return { header: machine.header(), alarms: alarms.filter((one) => isAsked(one.alarm)) };
    },
    "/etcdserverpb.Maintenance/Snapshot": async (_request, stream) => {
      const { version, raftAppliedIndex, raftTerm } = member.status();
      const facts = { index: raftAppliedIndex, term: raftTerm, version, voters: member.peers.voters };
      const pieces = snapshotFile(machine.store, facts);
      let remainingBytes = pieces.reduce((sum, { length }) => sum + length, 0);
      for (const blob of inBlobs(pieces)) {
        if (stream.isFull) await stream.drained();
        if (stream.signal.aborted) return;
        remainingBytes -= blob.length;
        stream.send({ remainingBytes, blob, version });
      }
      stream.send({ remainingBytes: 0, blob: sha256(pieces), version });
    },
    "/etcdserverpb.Maintenance/MoveLeader": async ({ targetId }, call) => {
      await group.moveLeader(targetId, call);
      return { header: machine.header() };
    },
  };
}

/** The members as the group has them, with where clients reach them, which they know themselves. */
export function clusterServices(member: Member, group: Group, handlers: Handlers<EtcdMethods>): Services {
  const { machine } = member;
  const members = async (): Promise<readonly GroupMember[]> => await group.list();
  return {
    "/etcdserverpb.Cluster/MemberList": async ({ linearizable }) => {
      if (linearizable) await member.view(() => undefined);
      return { header: machine.header(), members: await members() };
    },
    "/etcdserverpb.Cluster/MemberAdd": async ({ peerUrls, isLearner }, call) => {
      const { header, member: added } = await handlers.memberAdd({ peerUrls, isLearner }, call);
      // As etcd: it has a name once it is there.
      return { header, member: { ...added, name: "", clientUrls: [] }, members: await members() };
    },
    "/etcdserverpb.Cluster/MemberRemove": async ({ id }, call) => {
      const { header } = await handlers.memberRemove({ id }, call);
      return { header, members: await members() };
    },
    "/etcdserverpb.Cluster/MemberUpdate": async ({ id, peerUrls }, call) => {
      const { header } = await handlers.memberUpdate({ id, peerUrls }, call);
      return { header, members: await members() };
    },
    "/etcdserverpb.Cluster/MemberPromote": async ({ id }, call) => {
      const { header } = await handlers.memberPromote({ id }, call);
      return { header, members: await members() };
    },
  };
}

/** The same bytes in pieces of `BLOB_BYTES`. */
function* inBlobs(pieces: readonly Uint8Array[]): Iterable<Uint8Array> {
  let blob = new Uint8Array(BLOB_BYTES);
  let filled = 0;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      const part = piece.subarray(at, at + BLOB_BYTES - filled);
      blob.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < BLOB_BYTES) continue;
      yield blob;
      blob = new Uint8Array(BLOB_BYTES);
      filled = 0;
    }
  }
  if (filled > 0) yield blob.subarray(0, filled);
}
