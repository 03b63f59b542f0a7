/**
 * The scheduler actor: among its peers one leads, and gives each pod without a node the node that suits it best. It never
 * starts anything: it writes a Binding, and the kubelet acts on it.
 */
import type { SchedulerMethods } from "../../protocols/scheduler.ts";
import { schedulerProtocol } from "../../protocols/scheduler.ts";
import type { ActorDefinition } from "../../runtime/actor.ts";
import { defineActor } from "../../runtime/actor.ts";
import { Client } from "../client/client.ts";
import { EventRecorder } from "../client/event-recorder.ts";
import { LeaderElector } from "../client/leader-election.ts";
import { SchedulingSession } from "./scheduling-session.ts";
import type { SchedulerOptions } from "./spec.ts";
import { SCHEDULER_DEFAULTS } from "./spec.ts";

export const schedulerActor: ActorDefinition<
  SchedulerMethods,
  Pick<SchedulerOptions, "apiServers" | "peers"> & Partial<SchedulerOptions>
> = defineActor(schedulerProtocol, (given) => {
  const ctx = { ...given, options: { ...SCHEDULER_DEFAULTS, ...given.options } };
  const client = new Client(ctx, ctx.options.apiServers);
  const recorder = new EventRecorder(ctx, client, ctx.options.schedulerName);
  let session: SchedulingSession | undefined;
  const elector = new LeaderElector(
    ctx,
    client,
    {
      name: "kube-scheduler",
      identity: ctx.options.identity ?? ctx.name,
      peers: ctx.options.peers,
      ...ctx.options.lease,
    },
    {
      onStartedLeading: () => {
        session = new SchedulingSession(ctx, client, recorder);
        session.start();
      },
      onStoppedLeading: () => {
        session?.stop();
        session = undefined;
      },
    },
  );
  elector.start();
  return {
    handlers: { status: () => ({ leading: elector.isLeading, counts: session?.counts() ?? null }) },
    stop: () => elector.stop(),
  };
});
