/** A scheduler's profiles with all that their plugins need: Kubernetes' own, whoever binds, and the user's. */
import { InkubeError } from "../../protocols/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Client } from "../client/client.ts";
import type { PluginFactory } from "./core/configuration/profiles.ts";
import { profilesOf } from "./core/configuration/profiles.ts";
import type { BindingPlugin } from "./binding-plugin.ts";
import type { Rejection } from "./core/framework.ts";
import type { Profile } from "./core/profile.ts";
import type { SchedulerOptions } from "./spec.ts";
import { volumeBinder } from "./volume-binder.ts";

/** A plugin of somebody's own: as Kubernetes' ones, without a name, which the configuration gives it. */
export type SchedulerPlugin = Omit<BindingPlugin, "name">;

/** The default export of a plugin's module. `args`: those of its `pluginConfig`. */
export type SchedulerPluginFactory = (args: Readonly<Record<string, unknown>>) => SchedulerPlugin;

/** Errors: INVALID_SCHEDULER_CONFIGURATION. */
export function makeProfiles(
  { configuration }: SchedulerOptions,
  client: Client,
  clock: Clock,
  plugins: ReadonlyMap<string, SchedulerPluginFactory>,
): readonly Profile[] {
  const own = new Map<string, PluginFactory>([
    ["DefaultBinder", () => defaultBinder(client)],
    ["VolumeBinding", (args) => volumeBinder(client, clock, args)],
  ]);
  for (const [name, make] of plugins) own.set(name, (args) => named(name, make(args)));
  const made = profilesOf(configuration, own);
  if ("problem" in made) throw new InkubeError("INVALID_SCHEDULER_CONFIGURATION", made.problem);
  return made.profiles;
}

function defaultBinder(client: Client): BindingPlugin {
  return {
    name: "DefaultBinder",
    async bind(_state, { pod, uid }, node) {
      const { name = "", namespace = "" } = pod.metadata ?? {};
      await client.bind(namespace, name, node, uid);
      return "bound";
    },
  };
}

/** A rejection says by whom it is, whatever the plugin calls itself. */
function named(name: string, plugin: SchedulerPlugin): BindingPlugin {
  const signed = (rejection: Rejection | undefined): Rejection | undefined =>
    rejection === undefined ? undefined : { ...rejection, plugin: name };
  const { filter } = plugin;
  return {
    ...plugin,
    name,
    ...(filter === undefined ? {} : { filter: (...asked) => signed(filter.apply(plugin, asked)) }),
  };
}
