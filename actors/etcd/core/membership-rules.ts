/**
 * Which changes of the membership a leader takes. None may end in a group without a majority that is there: such a group
 * could not even take the change back. Source: etcd's strict reconfiguration check (`server/etcdserver/cluster_util.go`).
 */
import { etcdError } from "../../../protocols/etcd-errors.ts";
import type { Change, Membership, Peer } from "./raft/membership.ts";
import { learnersOf, quorumOf, votersOf } from "./raft/membership.ts";

/** As etcd's `--max-learners`: each costs the leader as much as a voter. */
export const LEARNERS_MAX = 1;

/** What the leader knows of those who are there. */
export interface Sight {
  /** Members that it hears of, itself included. */
  readonly active: readonly number[];
  isCaughtUp(id: number): boolean;
}

/** Errors: as those of `MembershipMethods`. */
export function checkChange(membership: Membership, change: Change, sight: Sight): void {
  const { members } = membership;
  switch (change.type) {
    case "add": {
      checkUrls(members, change.peerUrls, change.name);
      if (members.some(({ name }) => name === change.name)) throw etcdError("ETCD_PEER_URL_EXISTS");
      if (change.learner) return checkLearners(membership);
      // Who comes is not there yet.
      return checkQuorum(membership, votersOf(membership).length + 1, 0, sight);
    }
    case "promote": {
      const peer = find(members, change.id);
      if (!peer.learner) throw etcdError("ETCD_MEMBER_NOT_LEARNER");
      if (!sight.isCaughtUp(peer.id)) throw etcdError("ETCD_LEARNER_NOT_READY");
      return checkQuorum(membership, votersOf(membership).length + 1, 0, sight, peer.id);
    }
    case "update":
      return checkUrls(members, change.peerUrls, find(members, change.id).name, change.id);
    case "remove":
    case "replace": {
      const peer = find(members, change.id);
      if (peer.learner) return;
      return checkQuorum(membership, votersOf(membership).length - 1, change.id, sight);
    }
  }
}

/** Who is to be a voter next; undefined when no one is, or none of them can be yet. */
export function duePromotion(membership: Membership, sight: Sight): Change | undefined {
  for (const { id, learner, stands } of membership.members) {
    if (!learner || !stands || !sight.isCaughtUp(id)) continue;
    const voters = votersOf(membership).length + 1;
    if (hasQuorum(membership, voters, 0, sight, id)) return { type: "promote", id };
  }
  return undefined;
}

function find(members: readonly Peer[], id: number): Peer {
  const peer = members.find((one) => one.id === id);
  if (peer === undefined) throw etcdError("ETCD_MEMBER_NOT_FOUND");
  return peer;
}

/** The host of every URL is the member's actor, and no URL is another member's. */
function checkUrls(members: readonly Peer[], urls: readonly string[], name: string, except: number = 0): void {
  if (urls.length === 0 || urls.some((url) => hostOf(url) !== name))
    throw etcdError("ETCD_BAD_MEMBER_URLS", { urls }, `the host of each is the name of the member's actor, as ${name}`);
  const taken = members.some(({ id, peerUrls }) => id !== except && peerUrls.some((url) => urls.includes(url)));
  if (taken) throw etcdError("ETCD_PEER_URL_EXISTS");
}

/** Undefined for what is no URL of a peer. */
export function hostOf(url: string): string | undefined {
  return /^https?:\/\/([a-z0-9][a-z0-9.-]*):\d{1,5}$/.exec(url)?.[1];
}

function checkLearners(membership: Membership): void {
  if (learnersOf(membership).length >= LEARNERS_MAX) throw etcdError("ETCD_TOO_MANY_LEARNERS");
}

function checkQuorum(membership: Membership, voters: number, without: number, sight: Sight, and: number = 0): void {
  if (!hasQuorum(membership, voters, without, sight, and)) throw etcdError("ETCD_NOT_ENOUGH_STARTED");
}

/** Whether a majority of `voters` is there: of today's but for `without`, and `and`, who becomes one. */
function hasQuorum(membership: Membership, voters: number, without: number, { active }: Sight, and: number): boolean {
  const there = votersOf(membership).filter((voter) => voter !== without && active.includes(voter)).length;
  return voters > 0 && there + (active.includes(and) ? 1 : 0) >= quorumOf(voters);
}
