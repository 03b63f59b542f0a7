/**
 * A member whose disk can't be relied on: it is there, says why to everyone who asks, and has no part in the group. It must
 * not vote or acknowledge anything, since it may have forgotten what it voted for and acknowledged before.
 */
import { InkubeError } from "../../protocols/errors.ts";
import type { Alarm, EtcdMethods } from "../../protocols/etcd.ts";
import type { Actor, Context, Handlers } from "../../runtime/actor.ts";
import type { Alarms } from "./alarms.ts";
import { etcdError } from "../../protocols/etcd-errors.ts";
import { measureNoPart } from "./etcd-metrics.ts";
import type { EtcdOptions } from "./spec.ts";

/** A disk that failed may work again: the member looks by starting anew. Seldom enough for every bound on restarts. */
const LOOK_AGAIN_MS = 5_000;

export class OutOfService {
  readonly handlers: Handlers<EtcdMethods>;
  private readonly alarm: Alarm;
  /** Nothing can go on, this member among it. */
  private lost: InkubeError | undefined;

  constructor(ctx: Context<EtcdOptions>, alarms: Alarms, reason: InkubeError) {
    this.alarm = alarmOf(ctx, reason);
    alarms.set(false, this.alarm);
    measureNoPart(ctx.metrics);
    ctx.log.error("out of service", { path: this.alarm.path, reason: this.alarm.message });
    const refuse = (): never => {
      throw this.refusal();
    };
    this.handlers = {
      range: refuse,
      put: refuse,
      deleteRange: refuse,
      txn: refuse,
      compact: refuse,
      leaseGrant: refuse,
      leaseRevoke: refuse,
      leaseKeepAlive: refuse,
      leaseTimeToLive: refuse,
      watch: refuse,
      status: refuse,
      readIndex: refuse,
      snapshot: refuse,
      moveLeader: refuse,
      memberList: refuse,
      memberAdd: refuse,
      memberRemove: refuse,
      memberUpdate: refuse,
      memberPromote: refuse,
      replaceMember: refuse,
      forward: refuse,
      // Silence is what its peers know from a member that is gone.
      raft: () => undefined,
      alarms: (_request, sink) => alarms.add(sink),
    };
  }

  setReason(lost: InkubeError | undefined): void {
    this.lost = lost;
  }

  refusal(): InkubeError {
    return this.lost ?? etcdError("ETCD_OUT_OF_SERVICE", { path: this.alarm.path }, this.alarm.message);
  }
}

/** Until it is started anew, which it sees to itself unless only people can help. */
export function outOfService(ctx: Context<EtcdOptions>, alarms: Alarms, reason: InkubeError): Actor<EtcdMethods> {
  const { handlers } = new OutOfService(ctx, alarms, reason);
  if (reason.code !== "ETCD_CORRUPT") {
    ctx.clock.after(LOOK_AGAIN_MS, () =>
      ctx.spawn(() => Promise.reject(new InkubeError(reason.code, reason.message, { retryable: true }))),
    );
  }
  return { handlers };
}

function alarmOf(ctx: Context<EtcdOptions>, { code, message }: InkubeError): Alarm {
  const path = ctx.disk.root;
  const says = `${ctx.options.name} (${path}) is out of service, the others go on without it while they are a majority: ${message}`;
  return { type: code === "DISK_FULL" ? "NOSPACE" : "CORRUPT", path, message: says };
}
