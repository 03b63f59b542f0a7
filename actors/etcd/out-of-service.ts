/**
 * A member whose disk can't be relied on: it is there, says why to everyone who asks, and has no part in the group. It must
 * not vote or acknowledge anything, since it may have forgotten what it voted for and acknowledged before.
 */
import { InkubeError } from "../../protocols/errors.ts";
import type { Alarm, EtcdMethods } from "../../protocols/etcd.ts";
import type { Actor, Context } from "../../runtime/actor.ts";
import { Alarms } from "./alarms.ts";
import { etcdError } from "./core/mvcc/errors.ts";
import { measureNoPart } from "./etcd-metrics.ts";
import type { EtcdOptions } from "./spec.ts";

/** A disk that failed may work again: the member looks by starting anew. Seldom enough for every bound on restarts. */
const LOOK_AGAIN_MS = 5_000;

export function outOfService(ctx: Context<EtcdOptions>, reason: InkubeError): Actor<EtcdMethods> {
  const alarm = alarmOf(ctx, reason);
  const alarms = new Alarms();
  alarms.set(false, alarm);
  measureNoPart(ctx.metrics);
  ctx.log.error("out of service", { path: alarm.path, reason: alarm.message });
  if (reason.code !== "ETCD_CORRUPT") {
    ctx.clock.after(LOOK_AGAIN_MS, () =>
      ctx.spawn(() => Promise.reject(new InkubeError(reason.code, alarm.message, { retryable: true }))),
    );
  }
  const refuse = (): never => {
    throw etcdError("ETCD_OUT_OF_SERVICE", { path: alarm.path }, alarm.message);
  };
  return {
    handlers: {
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
      forward: refuse,
      // Silence is what its peers know from a member that is gone.
      raft: () => undefined,
      alarms: (_request, sink) => alarms.add(sink),
    },
  };
}

function alarmOf(ctx: Context<EtcdOptions>, { code, message }: InkubeError): Alarm {
  const path = ctx.disk.root;
  const says = `${ctx.options.name} is out of service, the others go on without it while they are a majority: ${path}: ${message}`;
  return { type: code === "DISK_FULL" ? "NOSPACE" : "CORRUPT", path, message: says };
}
