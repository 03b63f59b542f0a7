/**
 * etcd's v3 API as messages between actors: KV, Lease, Watch and Maintenance, field for field in camelCase.
 * Keys and values are bytes on the wire as in etcd; keys of Kubernetes are UTF-8, so they are strings here and ordered
 * by their UTF-8 bytes. Revisions, terms and versions are safe integers; lease ids are decimal strings (they are int64).
 * Source: etcd 3.7 `api/etcdserverpb/rpc.proto`.
 */
import type { Call, Cast, Protocol, Stream } from "./protocol.ts";
import { call, cast, protocol, stream } from "./protocol.ts";

export interface KeyValue {
  readonly key: string;
  readonly value: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  /** Writes since the key was created, 1 for the first. */
  readonly version: number;
  /** "0" when no lease is attached. */
  readonly lease: string;
}

export interface ResponseHeader {
  readonly clusterId: string;
  readonly memberId: string;
  readonly revision: number;
  readonly raftTerm: number;
}

export interface RangeRequest {
  readonly key: string;
  /** End of the range, exclusive; `"\0"` means every key from `key` on. Absent: the one key. */
  readonly rangeEnd?: string;
  /** 0 or absent: no limit. */
  readonly limit?: number;
  /** 0 or absent: the newest. */
  readonly revision?: number;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
  /** Answer from this member's own state, which may be old. */
  readonly serializable?: boolean;
  /** Absent: by key, ascending. */
  readonly sort?: RangeSort;
  /** Bounds of revisions, inclusive; 0 or absent: none. They take keys out of the answer, not out of its `count`. */
  readonly minModRevision?: number;
  readonly maxModRevision?: number;
  readonly minCreateRevision?: number;
  readonly maxCreateRevision?: number;
}
export interface RangeSort {
  readonly target: "key" | "version" | "create" | "mod" | "value";
  readonly isDescending: boolean;
}
export interface RangeResponse {
  readonly header: ResponseHeader;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
  /** Keys in the range, whatever the limit. */
  readonly count: number;
}

export interface PutRequest {
  readonly key: string;
  readonly value: Uint8Array;
  readonly lease?: string;
  readonly prevKv?: boolean;
  /** Keep the value that the key has. */
  readonly ignoreValue?: boolean;
  /** Keep the lease that the key has. */
  readonly ignoreLease?: boolean;
}
export interface PutResponse {
  readonly header: ResponseHeader;
  readonly prevKv?: KeyValue;
}

export interface DeleteRangeRequest {
  readonly key: string;
  readonly rangeEnd?: string;
  readonly prevKv?: boolean;
}
export interface DeleteRangeResponse {
  readonly header: ResponseHeader;
  readonly deleted: number;
  readonly prevKvs: readonly KeyValue[];
}

export type Compare = {
  readonly key: string;
  /** Holds when it holds for every key of the range. As in `RangeRequest`. */
  readonly rangeEnd?: string;
  readonly result: "equal" | "greater" | "less" | "notEqual";
} & (
  | { readonly target: "version" | "create" | "mod"; readonly value: number }
  | { readonly target: "value"; readonly value: Uint8Array }
  | { readonly target: "lease"; readonly value: string }
);
export type RequestOp =
  | { readonly range: RangeRequest }
  | { readonly put: PutRequest }
  | { readonly deleteRange: DeleteRangeRequest }
  | { readonly txn: Omit<TxnRequest, "cause"> };
export type ResponseOp =
  | { readonly range: RangeResponse }
  | { readonly put: PutResponse }
  | { readonly deleteRange: DeleteRangeResponse }
  | { readonly txn: TxnResponse };
export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
  /** The trace event that this write is the work of; kept with the revision so that those who react to it can name it. */
  readonly cause?: string;
}
export interface TxnResponse {
  readonly header: ResponseHeader;
  readonly succeeded: boolean;
  readonly responses: readonly ResponseOp[];
}

export interface WatchRequest {
  readonly key: string;
  readonly rangeEnd?: string;
  /** First revision wanted; absent: from now on. Compacted: the stream ends with ETCD_COMPACTED. */
  readonly startRevision?: number;
  readonly prevKv?: boolean;
  /** Send a response without events now and then, so that the watcher knows how far it has come. */
  readonly progressNotify?: boolean;
}
export interface WatchResponse {
  readonly header: ResponseHeader;
  readonly events: readonly WatchEvent[];
}
export interface WatchEvent {
  readonly type: "put" | "delete";
  /** Of a deletion only `key` and `modRevision` mean something. */
  readonly kv: KeyValue;
  readonly prevKv?: KeyValue;
  readonly cause?: string;
}

export interface MemberStatus {
  readonly header: ResponseHeader;
  readonly version: string;
  readonly name: string;
  readonly isLearner: boolean;
  /** Name of the leader as this member knows it; empty when it knows none. */
  readonly leader: string;
  readonly raftTerm: number;
  readonly raftIndex: number;
  readonly raftAppliedIndex: number;
  readonly dbSizeBytes: number;
  /** Of everything in the store at the applied index: equal on members that agree. */
  readonly hash: number;
  /** What is wrong with this member, in words; as in etcd. */
  readonly errors: readonly string[];
  readonly alarms: readonly Pick<Alarm, "type">[];
  /** Where etcd's own clients reach the member. */
  readonly clientUrls: readonly string[];
}

/** One member of the group. Its id is never given to another one; who comes back without its disk has a new one. */
export interface Member {
  /** An uint64, in decimal digits. */
  readonly id: string;
  /** Its actor's name; the host of its peer URLs is the same. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  /** Receives everything and counts for nothing. */
  readonly isLearner: boolean;
}
export interface MembersResponse {
  readonly header: ResponseHeader;
  /** In the order of their ids. */
  readonly members: readonly Member[];
}

/** The group's own changes, one at a time. Asked at any member; the leader carries them out. */
export type MembershipMethods = {
  /** Linearizable unless `serializable`. */
  memberList: Call<{ readonly serializable?: boolean }, MembersResponse>;
  /**
   * The host of all `peerUrls` is the new member's actor. Errors: ETCD_PEER_URL_EXISTS, ETCD_BAD_MEMBER_URLS,
   * ETCD_TOO_MANY_LEARNERS, ETCD_UNHEALTHY, ETCD_NOT_ENOUGH_STARTED.
   */
  memberAdd: Call<
    { readonly peerUrls: readonly string[]; readonly isLearner: boolean },
    MembersResponse & { readonly member: Member }
  >;
  /** Also of the leader, which another one follows. Errors: ETCD_MEMBER_NOT_FOUND, ETCD_NOT_ENOUGH_STARTED, ETCD_UNHEALTHY. */
  memberRemove: Call<{ readonly id: string }, MembersResponse>;
  /** The host stays the same. Errors: ETCD_MEMBER_NOT_FOUND, ETCD_PEER_URL_EXISTS, ETCD_BAD_MEMBER_URLS. */
  memberUpdate: Call<{ readonly id: string; readonly peerUrls: readonly string[] }, MembersResponse>;
  /** A learner becomes a voter. Errors: ETCD_MEMBER_NOT_FOUND, ETCD_MEMBER_NOT_LEARNER, ETCD_LEARNER_NOT_READY. */
  memberPromote: Call<{ readonly id: string }, MembersResponse>;
};

export interface LeaseTimeToLive {
  readonly id: string;
  /** What is left; -1: there is no such lease. */
  readonly ttlSeconds: number;
  readonly grantedTtlSeconds: number;
  /** The keys that hang on it, where they were asked for, in order. */
  readonly keys: readonly string[];
}

/** What is wrong with a member's disk. The types are etcd's. */
export interface Alarm {
  readonly type: "NOSPACE" | "CORRUPT";
  /** The member's directory. */
  readonly path: string;
  /** Which member, what happened, and what to do. */
  readonly message: string;
}
export interface AlarmState {
  /** Whether the member has a part in the group at all. */
  readonly serving: boolean;
  readonly alarms: readonly Alarm[];
}

export type EtcdMethods = MembershipMethods & {
  /** Linearizable unless `serializable`. */
  range: Call<RangeRequest, RangeResponse>;
  put: Call<PutRequest, PutResponse>;
  deleteRange: Call<DeleteRangeRequest, DeleteRangeResponse>;
  txn: Call<TxnRequest, TxnResponse>;
  compact: Call<{ readonly revision: number }, { readonly header: ResponseHeader }>;
  leaseGrant: Call<
    { readonly ttlSeconds: number; readonly id?: string },
    { readonly id: string; readonly ttlSeconds: number }
  >;
  leaseRevoke: Call<{ readonly id: string }, { readonly header: ResponseHeader }>;
  /** `ttlSeconds` 0: there is no such lease any more. */
  leaseKeepAlive: Call<{ readonly id: string }, { readonly id: string; readonly ttlSeconds: number }>;
  leaseTimeToLive: Call<{ readonly id: string; readonly keys?: boolean }, LeaseTimeToLive>;
  watch: Stream<WatchRequest, WatchResponse>;
  status: Call<null, MemberStatus>;
  /** This member's alarms, at once and at each change. */
  alarms: Stream<null, AlarmState>;
  /** The newest revision, linearizable: what a cache must have reached to answer a consistent read. Cheap and batched. */
  readIndex: Call<null, { readonly revision: number }>;
  /**
   * Everything in the store with its kept history, encoded by the etcd actor itself: at least what was acknowledged before the
   * call. All of it is made at once, so it takes time in proportion to the store.
   */
  snapshot: Call<null, { readonly header: ResponseHeader; readonly state: Uint8Array }>;
  /** Asks the leader to hand over before it stops. */
  moveLeader: Call<{ readonly to: string }, null>;
  /**
   * Raft messages of a peer, encoded by the etcd actor itself. Sender and receiver by their numbers in the group: an actor
   * whose disk was lost comes back under another one, and what was sent to the old one is not for it.
   */
  raft: Cast<{
    readonly clusterId: string;
    readonly from: number;
    readonly to: number;
    readonly messages: readonly Uint8Array[];
  }>;
  /**
   * Asked by an actor that can't go on with what is on its disk (`path`): it gets the number under which it takes the place of
   * the member of its name. Members pass it on to the leader for it. Errors: ETCD_MEMBER_NOT_FOUND when it is none,
   * ETCD_NO_LEADER, ETCD_UNHEALTHY, ETCD_NOT_ENOUGH_STARTED.
   */
  replaceMember: Call<
    { readonly name: string; readonly path: string },
    { readonly clusterId: string; readonly id: number }
  >;
  /** A peer's forwarded request batch and its answers travel as calls, so that they fail with the peer. */
  forward: Call<{ readonly proposals: readonly Uint8Array[] }, { readonly results: readonly Uint8Array[] }>;
};

/** Error codes of the etcd actor. Messages are etcd's own texts (`api/v3rpc/rpctypes/error.go`). */
export type EtcdErrorCode =
  /** The revision asked for is compacted; `details.compactRevision` is the oldest watchable one. */
  | "ETCD_COMPACTED"
  | "ETCD_FUTURE_REVISION"
  | "ETCD_LEASE_NOT_FOUND"
  | "ETCD_LEASE_EXISTS"
  | "ETCD_DUPLICATE_KEY"
  | "ETCD_TOO_MANY_OPS"
  | "ETCD_REQUEST_TOO_LARGE"
  | "ETCD_TOO_MANY_REQUESTS"
  /** The quota is used up, or the member's disk is full (`details.path`). Nothing was written. */
  | "ETCD_NO_SPACE"
  /** No leader now; nothing was written. Retryable. */
  | "ETCD_NO_LEADER"
  /** The leader changed with the request in flight; it may have been written. */
  | "ETCD_LEADER_CHANGED"
  /** The disks of so many members are lost that nobody knows what was committed; the text says whose, and what to do. */
  | "ETCD_QUORUM_LOST"
  /** The member can't say in time what becomes of the request; it may be carried out. */
  | "ETCD_TIMEOUT"
  | "ETCD_MEMBER_NOT_FOUND"
  | "ETCD_MEMBER_EXISTS"
  | "ETCD_PEER_URL_EXISTS"
  | "ETCD_BAD_MEMBER_URLS"
  | "ETCD_MEMBER_NOT_LEARNER"
  /** The learner lacks too much of the leader's log to be promoted. */
  | "ETCD_LEARNER_NOT_READY"
  | "ETCD_TOO_MANY_LEARNERS"
  /** Too few of those who would be voters are there: the change would end in a group without a majority. */
  | "ETCD_NOT_ENOUGH_STARTED"
  /** Another change is under way, or the leader hears too few others. Retryable. */
  | "ETCD_UNHEALTHY"
  /** A learner serves nothing that has to be linearizable. */
  | "ETCD_LEARNER"
  | "ETCD_BAD_TRANSFEREE"
  /** This member's data can't be relied on, so it takes no part; another member may serve. Nothing was written. */
  | "ETCD_OUT_OF_SERVICE"
  /** What is on disk is damaged in the middle, or written by a newer version. */
  | "ETCD_CORRUPT"
  | "ETCD_EMPTY_KEY"
  /** A put that keeps the value or the lease of a key that is not there. */
  | "ETCD_KEY_NOT_FOUND"
  | "ETCD_VALUE_PROVIDED"
  | "ETCD_LEASE_PROVIDED"
  | "ETCD_INVALID_SORT_OPTION"
  | "ETCD_LEASE_TTL_TOO_LARGE"
  /** Only the leader does it. */
  | "ETCD_NOT_LEADER"
  | "ETCD_ROOT_USER_MISSING"
  | "ETCD_ROOT_ROLE_MISSING"
  | "ETCD_USER_EXISTS"
  | "ETCD_USER_EMPTY"
  | "ETCD_USER_NOT_FOUND"
  | "ETCD_ROLE_EXISTS"
  | "ETCD_ROLE_NOT_FOUND"
  | "ETCD_ROLE_EMPTY"
  | "ETCD_AUTH_FAILED"
  | "ETCD_PERMISSION_NOT_GIVEN"
  | "ETCD_PERMISSION_DENIED"
  | "ETCD_ROLE_NOT_GRANTED"
  | "ETCD_PERMISSION_NOT_GRANTED"
  | "ETCD_AUTH_NOT_ENABLED"
  | "ETCD_INVALID_TOKEN"
  | "ETCD_INVALID_AUTH_MANAGEMENT"
  /** Users or rights have changed since the request was checked; nothing was done. Retryable. */
  | "ETCD_AUTH_OLD_REVISION";

export const etcdProtocol: Protocol<EtcdMethods> = protocol<EtcdMethods>("etcd", {
  range: call(),
  put: call(),
  deleteRange: call(),
  txn: call(),
  compact: call(),
  leaseGrant: call(),
  leaseRevoke: call(),
  leaseKeepAlive: call(),
  leaseTimeToLive: call(),
  watch: stream(),
  status: call(),
  alarms: stream(),
  readIndex: call(),
  snapshot: call({ timeoutMs: 30_000 }),
  moveLeader: call(),
  memberList: call(),
  memberAdd: call(),
  memberRemove: call(),
  memberUpdate: call(),
  memberPromote: call(),
  replaceMember: call({ timeoutMs: 2_000 }),
  raft: cast(),
  forward: call(),
});
