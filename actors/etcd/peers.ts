/** The other members: what Raft sends to them, one message of the runtime for each and turn. */
import type { EtcdMethods } from "../../protocols/etcd.ts";
import { etcdProtocol } from "../../protocols/etcd.ts";
import { hasCode } from "../../protocols/errors.ts";
import type { Context, Ref } from "../../runtime/actor.ts";
import { invariant } from "./core/bytes.ts";
import { encodeMessage } from "./core/raft/message-codec.ts";
import type { Membership } from "./core/raft/membership.ts";
import { votersOf } from "./core/raft/membership.ts";
import type { Message } from "./core/raft/types.ts";
import type { Identity } from "./core/wal/segment.ts";
import { PeerMetrics } from "./etcd-metrics.ts";
import type { EtcdOptions } from "./spec.ts";

export class Peers {
  readonly self: number;
  readonly clusterId: string;
  readonly metrics: PeerMetrics;
  private readonly ctx: Context<EtcdOptions>;
  /** By number, of the members and of who was heard: a leader may be newer than what this member knows of the group. */
  private readonly names: Map<number, string> = new Map();
  private membership: Membership = { members: [], lastId: 0 };
  private readonly refs: Map<string, Ref<EtcdMethods>> = new Map();
  /** Actors that the runtime has declared dead, until they are heard again. */
  private readonly down: Set<string> = new Set();
  /** Told when the actor of a member has died. */
  onDown: (id: number) => void = () => undefined;

  constructor(ctx: Context<EtcdOptions>, { clusterId, memberId, name }: Identity) {
    this.ctx = ctx;
    this.self = memberId;
    this.clusterId = clusterId;
    this.metrics = new PeerMetrics(ctx.metrics);
    this.names.set(memberId, name);
  }

  /** The group is this one from now on. */
  configure(membership: Membership): void {
    this.membership = membership;
    for (const { id, name } of membership.members) {
      this.names.set(id, name);
      this.link(name);
    }
  }

  /** A member's actor may come later than the member. */
  private link(name: string): Ref<EtcdMethods> | undefined {
    const known = this.refs.get(name);
    if (known !== undefined || name === this.ctx.options.name) return known;
    try {
      const ref = this.ctx.ref(etcdProtocol, name);
      this.refs.set(name, ref);
      this.ctx.monitor(name, () => this.died(name));
      return ref;
    } catch (error) {
      if (hasCode(error, "NO_LINK")) return undefined;
      throw error;
    }
  }

  private died(name: string): void {
    this.down.add(name);
    this.onDown(this.id(name));
  }

  /** Numbers of the voters. */
  get voters(): readonly number[] {
    return votersOf(this.membership);
  }

  /** Whether this member counts for nothing yet. */
  get isLearner(): boolean {
    return !this.voters.includes(this.self);
  }

  /** Names of all members but this one. */
  get others(): readonly string[] {
    return this.membership.members.flatMap(({ id, name }) => (id === this.self ? [] : [name]));
  }

  /** Name of a member; empty for 0. */
  name(id: number): string {
    return this.names.get(id) ?? "";
  }

  /** 0 for a name that is no member's. */
  id(name: string): number {
    return this.membership.members.find((member) => member.name === name)?.id ?? 0;
  }

  ref(id: number): Ref<EtcdMethods> {
    const ref = this.link(this.name(id));
    invariant(ref !== undefined, `no link to member ${id}`);
    return ref;
  }

  heard(id: number, name: string): void {
    this.names.set(id, name);
    this.down.delete(name);
  }

  isDown(id: number): boolean {
    return this.down.has(this.name(id));
  }

  /** This member's place among those that live. */
  get rank(): number {
    return this.membership.members.filter(({ id }) => id < this.self && !this.isDown(id)).length;
  }

  send(messages: readonly Message[]): void {
    if (messages.length === 0) return;
    const batches = new Map<number, Uint8Array[]>();
    let lastAppend: { readonly message: Extract<Message, { type: "append" }>; readonly bytes: Uint8Array } | undefined;
    for (const message of messages) {
      let bytes: Uint8Array;
      if (message.type === "append" && lastAppend !== undefined && isSame(message, lastAppend.message)) {
        bytes = lastAppend.bytes;
      } else {
        bytes = encodeMessage(message);
        if (message.type === "append") lastAppend = { message, bytes };
      }
      const batch = batches.get(message.to);
      if (batch === undefined) batches.set(message.to, [bytes]);
      else batch.push(bytes);
    }
    for (const [to, batch] of batches) {
      const ref = this.link(this.name(to));
      if (ref === undefined) continue;
      this.metrics.sent(this.name(to), batch);
      ref.cast("raft", { clusterId: this.clusterId, from: this.self, to, messages: batch });
    }
  }
}

/** Whether two appends of one leader, made in one turn, say the same. */
function isSame(a: Extract<Message, { type: "append" }>, b: Extract<Message, { type: "append" }>): boolean {
  return (
    a.term === b.term &&
    a.previousIndex === b.previousIndex &&
    a.commit === b.commit &&
    a.entries.length === b.entries.length
  );
}
