/**
 * The scheduler actor: among its peers one leads, and gives each pod without a node the node that suits it best. It never
 * starts anything: it writes a Binding, and the kubelet acts on it.
 */
import { InkubeError } from "../../protocols/errors.ts";
import type { SchedulerMethods } from "../../protocols/scheduler.ts";
import { schedulerProtocol } from "../../protocols/scheduler.ts";
import type { ActorDefinition } from "../../runtime/actor.ts";
import { defineActor } from "../../runtime/actor.ts";
import { Client } from "../client/client.ts";
import { EventRecorder } from "../client/event-recorder.ts";
import { LeaderElector } from "../client/leader-election.ts";
import type { SchedulerPluginFactory } from "./profiles.ts";
import { makeProfiles } from "./profiles.ts";
import { SchedulingSession } from "./scheduling-session.ts";
import type { SchedulerOptions } from "./spec.ts";
import { SCHEDULER_DEFAULTS } from "./spec.ts";

export type LoadPlugins = (
  plugins: SchedulerOptions["plugins"],
) => Promise<ReadonlyMap<string, SchedulerPluginFactory>>;

type Given = Pick<SchedulerOptions, "apiServers" | "peers"> & Partial<SchedulerOptions>;

/** `loadPlugins`: how modules of the user are loaded. It takes part in no election before they are. */
export const schedulerActorWith = (loadPlugins: LoadPlugins): ActorDefinition<SchedulerMethods, Given> =>
  defineActor(schedulerProtocol, async (given) => {
    const ctx = { ...given, options: { ...SCHEDULER_DEFAULTS, ...given.options } };
    const client = new Client(ctx, ctx.options.apiServers);
    const [first] = ctx.options.configuration.profiles;
    const recorder = new EventRecorder(ctx, client, first?.schedulerName ?? "default-scheduler");
    const { plugins } = ctx.options;
    const loaded = Object.keys(plugins).length === 0 ? new Map<string, never>() : await loadPlugins(plugins);
    const profiles = makeProfiles(ctx.options, client, ctx.clock, loaded);
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
          session = new SchedulingSession(ctx, client, recorder, profiles);
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

/** Without modules of the user, of which a simulation can't be certain. */
export const schedulerActor: ActorDefinition<SchedulerMethods, Given> = schedulerActorWith((plugins) =>
  Promise.reject(
    new InkubeError("PLUGIN_NOT_LOADED", `no module is loaded in a simulation: ${Object.keys(plugins).join(", ")}`),
  ),
);
