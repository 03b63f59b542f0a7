/** Puts the door for etcd's own clients together, and opens it. */
import { etcdError } from "../../protocols/etcd-errors.ts";
import type { EtcdMethods } from "../../protocols/etcd.ts";
import type { Actor, Context } from "../../runtime/actor.ts";
import type { GrpcCall, Services } from "./grpc/calls.ts";
import { concurrencyServices } from "./grpc/concurrency.ts";
import { Group } from "./grpc/group.ts";
import { healthServices } from "./grpc/health.ts";
import { kvServices } from "./grpc/kv.ts";
import { leaseServices } from "./grpc/lease.ts";
import { clusterServices, maintenanceServices } from "./grpc/maintenance.ts";
import { pages } from "./grpc/pages.ts";
import { watchServices } from "./grpc/watch.ts";
import { GrpcDoor, requiresLeader } from "./io/grpc-door.ts";
import { sha256 } from "./io/sha256.ts";
import type { Member } from "./member.ts";
import type { EtcdOptions, ListenOptions } from "./spec.ts";

/** Watches of one stream; kube-apiserver has one for each kind. */
const WATCHES_MAX = 10_000;
/** How long those who asked for a leader wait without one, in election time-outs. As etcd. */
const LEADERLESS_ELECTIONS = 3;

export interface OpenDoor {
  close(): Promise<void>;
}

/** All services, whatever carries them. */
export function servicesOf(
  ctx: Context<EtcdOptions>,
  member: Member,
  handlers: Actor<EtcdMethods>["handlers"],
): Services {
  const { options, clock } = ctx;
  const { watches, machine, raft } = member;
  const group = new Group(member, handlers);
  return {
    ...kvServices(handlers),
    ...watchServices({ watches, machine, fragmentBytes: options.requestBytesMax, watchesMax: WATCHES_MAX }),
    ...leaseServices(handlers, member),
    ...maintenanceServices(member, group, options, sha256),
    ...clusterServices(member, group, handlers),
    ...concurrencyServices(handlers, member),
    ...healthServices(() => raft.leader !== 0, clock),
  };
}

/** Errors: ADDRESS_IN_USE, ADDRESS_NOT_AVAILABLE, PERMISSION_DENIED. */
export async function openDoor(
  ctx: Context<EtcdOptions>,
  listen: ListenOptions,
  member: Member,
  handlers: Actor<EtcdMethods>["handlers"],
): Promise<OpenDoor> {
  const { options, clock } = ctx;
  const door = new GrpcDoor({
    listen,
    requestBytesMax: options.requestBytesMax,
    services: servicesOf(ctx, member, handlers),
    pages: pages(member, ctx.metrics),
    clock,
    admit: (_path: string, call: GrpcCall) => {
      if (member.raft.leader === 0 && requiresLeader(call)) throw etcdError("ETCD_NO_LEADER");
    },
    crash: (error) =>
      ctx.spawn(async () => {
        throw error;
      }),
  });
  const port = await door.open();
  ctx.onEnd(() => door.destroy());
  const scheme = listen.tls === undefined ? "http" : "https";
  member.clientUrls = [`${scheme}://${listen.host}:${port}`];
  ctx.log.info("etcd's clients are served", { url: member.clientUrls[0] ?? "" });
  const electionMs = options.electionTicks * options.tickMs;
  const looking = clock.every(electionMs, () => {
    const isLeaderless = member.raft.leader === 0 && member.leaderlessMs() > LEADERLESS_ELECTIONS * electionMs;
    if (isLeaderless) door.endLeaderless(etcdError("ETCD_NO_LEADER"));
  });
  return {
    close: () => {
      looking.cancel();
      return door.close(etcdError("ETCD_OUT_OF_SERVICE"));
    },
  };
}
