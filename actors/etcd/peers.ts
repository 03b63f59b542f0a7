/** The other members: what Raft sends to them, one message of the runtime for each and turn. */
import type { EtcdMethods } from "../../protocols/etcd.ts";
import { etcdProtocol } from "../../protocols/etcd.ts";
import type { Context, Ref } from "../../runtime/actor.ts";
import { invariant } from "./core/bytes.ts";
import { encodeMessage } from "./core/raft/message-codec.ts";
import type { Message } from "./core/raft/types.ts";
import { PeerMetrics } from "./etcd-metrics.ts";
import type { EtcdOptions } from "./spec.ts";

export class Peers {
  readonly self: number;
  readonly ids: readonly number[];
  readonly metrics: PeerMetrics;
  private readonly names: readonly string[];
  private readonly refs: Map<number, Ref<EtcdMethods>> = new Map();
  /** Members that the runtime has declared dead, until they are heard again. */
  private readonly down: Set<number> = new Set();

  /** A member's id is its place among the sorted names, from 1. */
  constructor(ctx: Context<EtcdOptions>) {
    this.metrics = new PeerMetrics(ctx.metrics);
    this.names = [...new Set(ctx.options.members)].sort((a, b) => (a < b ? -1 : 1));
    this.self = this.names.indexOf(ctx.options.name) + 1;
    invariant(this.self > 0, `${ctx.options.name} is none of the members ${this.names.join(", ")}`);
    this.ids = this.names.map((_, index) => index + 1);
    for (const id of this.ids) if (id !== this.self) this.refs.set(id, ctx.ref(etcdProtocol, this.name(id)));
  }

  /** Name of a member; empty for 0. */
  name(id: number): string {
    return this.names[id - 1] ?? "";
  }

  /** 0 for a name that is no member's. */
  id(name: string): number {
    return this.names.indexOf(name) + 1;
  }

  ref(id: number): Ref<EtcdMethods> {
    const ref = this.refs.get(id);
    invariant(ref !== undefined, `no link to member ${id}`);
    return ref;
  }

  died(id: number): void {
    this.down.add(id);
  }

  heard(id: number): void {
    this.down.delete(id);
  }

  isDown(id: number): boolean {
    return this.down.has(id);
  }

  /** This member's place among those that live. */
  get rank(): number {
    return this.ids.filter((id) => id < this.self && !this.down.has(id)).length;
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
      this.metrics.sent(this.name(to), batch);
      this.ref(to).cast("raft", { messages: batch });
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
