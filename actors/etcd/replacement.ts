/**
 * An actor that can't go on with what is on its disk, since it may have forgotten what it voted for and acknowledged: it has no
 * part in the group, says why to everyone who asks, and asks the others until the leader gives it another number, under which
 * it begins with nothing. The group agrees on that by an entry of its log (`core/membership-rules.ts` says when): a majority of
 * it is whole, and the old number is never used again.
 */
import type { InkubeError } from "../../protocols/errors.ts";
import { hasCode } from "../../protocols/errors.ts";
import type { EtcdMethods } from "../../protocols/etcd.ts";
import { etcdProtocol } from "../../protocols/etcd.ts";
import type { Actor, Context, Ref } from "../../runtime/actor.ts";
import type { Alarms } from "./alarms.ts";
import { LostDisks } from "./lost-disks.ts";
import { OutOfService } from "./out-of-service.ts";
import type { EtcdOptions } from "./spec.ts";

/** Between two members that are asked: an election takes some of it, and each is asked several times a second or two. */
const ASK_EVERY_MS = 200;
/** Who is no member of the group may become one later. */
const NO_MEMBER_PAUSE_MS = 2_000;

export interface Place {
  readonly clusterId: string;
  readonly id: number;
}

export class Replacement {
  readonly stage: Actor<EtcdMethods>;
  private readonly ctx: Context<EtcdOptions>;
  private readonly service: OutOfService;
  private readonly lost: LostDisks;
  private readonly sinceMs: number;
  private stopped = false;

  /** `take` is given the place once; what it throws ends the actor. */
  constructor(ctx: Context<EtcdOptions>, alarms: Alarms, reason: InkubeError, take: (place: Place) => Promise<void>) {
    this.ctx = ctx;
    this.lost = new LostDisks(ctx);
    this.sinceMs = ctx.clock.monotonicMs();
    this.service = new OutOfService(ctx, alarms, reason);
    ctx.trace.event("disk-lost", `etcd/${ctx.options.name}`, { path: ctx.disk.root });
    this.stage = {
      handlers: {
        ...this.service.handlers,
        replaceMember: ({ name, path }) => {
          this.lost.note(name, path);
          throw this.service.refusal();
        },
      },
      stop: () => {
        this.stopped = true;
        return Promise.resolve();
      },
    };
    ctx.spawn(async () => {
      const place = await this.ask();
      if (place !== undefined) await take(place);
    });
  }

  private async ask(): Promise<Place | undefined> {
    const { ctx } = this;
    const { name, members } = ctx.options;
    const others = members.filter((member) => member !== name).map((member) => ctx.ref(etcdProtocol, member));
    for (let turn = 0; !this.stopped; turn++) {
      const place = await this.askOne(others[turn % others.length]);
      if (place !== undefined) return place;
      this.sayWhetherQuorumIsLost();
      await ctx.clock.sleep(ASK_EVERY_MS);
    }
    return undefined;
  }

  private async askOne(other: Ref<EtcdMethods> | undefined): Promise<Place | undefined> {
    const { ctx } = this;
    if (other === undefined) return undefined;
    try {
      const place = await other.call("replaceMember", { name: ctx.options.name, path: ctx.disk.root });
      return this.stopped ? undefined : place;
    } catch (error) {
      if (!hasCode(error)) throw error;
      if (hasCode(error, "ETCD_MEMBER_NOT_FOUND")) await ctx.clock.sleep(NO_MEMBER_PAUSE_MS);
      return undefined;
    }
  }

  private sayWhetherQuorumIsLost(): void {
    const { ctx, lost } = this;
    const { name, members } = ctx.options;
    lost.note(name, ctx.disk.root);
    const because = lost.quorumLost(members, ctx.clock.monotonicMs() - this.sinceMs);
    lost.tell(because);
    this.service.setReason(because);
  }
}
