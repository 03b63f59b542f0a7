/** Profiles of a configuration with their plugins: which are enabled where, in which order, with which weight. */
import type { ExtensionPoint, Plugin } from "../framework.ts";
import { EXTENSION_POINTS } from "../framework.ts";
import type { PluginAt, PluginsByPoint, Profile } from "../profile.ts";
import type { Args } from "./plugin-args.ts";
import { DEFAULT_PLUGINS, PLUGINS } from "./registry.ts";
import type { PluginChoice, PluginSet, ResolvedConfiguration, SchedulerProfile } from "./types.ts";

/** Makes a plugin from its arguments. */
export type PluginFactory = (args: Args) => Plugin;

/** `own`: plugins besides those of the registry, by name. What no profile names, nor the default, is enabled in each. */
export function profilesOf(
  configuration: ResolvedConfiguration,
  own: ReadonlyMap<string, PluginFactory>,
): { readonly profiles: readonly Profile[] } | { readonly problem: string } {
  const named = new Set([...DEFAULT_PLUGINS.map(({ name }) => name), ...configuration.profiles.flatMap(namesIn)]);
  const unnamed = [...own.keys()].filter((name) => !named.has(name)).map((name) => ({ name }));
  const profiles: Profile[] = [];
  for (const profile of configuration.profiles) {
    const made = profileOf(profile, configuration, own, unnamed);
    if (typeof made === "string") {
      return { problem: `creating profile for scheduler name ${profile.schedulerName}: ${made}` };
    }
    profiles.push(made);
  }
  return { profiles };
}

function namesIn({ plugins = {} }: SchedulerProfile): readonly string[] {
  return Object.values(plugins).flatMap(({ enabled = [], disabled = [] }) =>
    [...enabled, ...disabled].map(({ name }) => name),
  );
}

/** A text: what is wrong, in Kubernetes' words. */
function profileOf(
  profile: ResolvedConfiguration["profiles"][number],
  configuration: ResolvedConfiguration,
  own: ReadonlyMap<string, PluginFactory>,
  unnamed: readonly PluginChoice[],
): Profile | string {
  const { schedulerName, plugins: sets = {}, pluginConfig = [] } = profile;
  const made = new Map<string, Plugin>();
  const plugin = (name: string): Plugin | undefined => {
    const factory = own.get(name) ?? PLUGINS.get(name);
    let found = made.get(name);
    if (found === undefined && factory !== undefined) {
      found = factory(pluginConfig.find((config) => config.name === name)?.args ?? {});
      made.set(name, found);
    }
    return found;
  };
  const everywhere = merge([...DEFAULT_PLUGINS, ...unnamed], sets.multiPoint ?? {});
  const points: Partial<Record<ExtensionPoint, readonly Plugin[]>> = {};
  const weights = new Map<string, number>();
  for (const point of EXTENSION_POINTS) {
    const chosen = chosenAt(point, everywhere, sets[point] ?? {}, plugin);
    if (typeof chosen === "string") return chosen;
    points[point] = chosen.map(({ name }) => plugin(name)!);
    if (point === "score") for (const { name, weight = 0 } of chosen) weights.set(name, weight === 0 ? 1 : weight);
  }
  const plugins = points as PluginsByPoint;
  if (plugins.queueSort.length !== 1) {
    return `only one queue sort plugin required for profile with scheduler name ${JSON.stringify(schedulerName)}, but got ${plugins.queueSort.length}`;
  }
  if (plugins.bind.length === 0) {
    return `at least one bind plugin is needed for profile with scheduler name ${JSON.stringify(schedulerName)}`;
  }
  const percentageOfNodesToScore = profile.percentageOfNodesToScore ?? configuration.percentageOfNodesToScore;
  return { schedulerName, plugins, weights, percentageOfNodesToScore };
}

/** What is enabled by default, less what is disabled, with what is enabled besides; who is in both keeps its place. */
function merge(defaults: readonly PluginChoice[], { enabled = [], disabled = [] }: PluginSet): readonly PluginChoice[] {
  const off = new Set(disabled.map(({ name }) => name));
  const kept = off.has("*") ? [] : defaults.filter(({ name }) => !off.has(name));
  const replaced = kept.map((choice) => enabled.find(({ name }) => name === choice.name) ?? choice);
  return [...replaced, ...enabled.filter(({ name }) => !kept.some((choice) => choice.name === name))];
}

/**
 * First those of `everywhere` that the point names itself, in its own order; then the others of `everywhere` that have this point;
 * then what only the point names. Source: `expandMultiPointPlugins`.
 */
function chosenAt(
  point: ExtensionPoint,
  everywhere: readonly PluginChoice[],
  { enabled = [], disabled = [] }: PluginSet,
  plugin: (name: string) => Plugin | undefined,
): readonly PluginChoice[] | string {
  const kind = `${point[0]!.toUpperCase()}${point.slice(1)}Plugin`;
  const off = new Set(disabled.map(({ name }) => name));
  for (const { name } of enabled) {
    const found = plugin(name);
    if (found === undefined) return `${kind} ${JSON.stringify(name)} does not exist`;
    if (!has(found, point)) return `plugin ${JSON.stringify(name)} does not extend ${kind} plugin`;
  }
  const names = enabled.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return `plugin ${JSON.stringify(twice)} already registered as ${JSON.stringify(kind)}`;
  const general: PluginChoice[] = [];
  for (const choice of off.has("*") ? [] : everywhere) {
    const found = plugin(choice.name);
    if (found === undefined) return `${kind} ${JSON.stringify(choice.name)} does not exist`;
    if (has(found, point) && !off.has(choice.name)) general.push(choice);
  }
  const isGeneral = (name: string): boolean => general.some((choice) => choice.name === name);
  return [
    ...enabled.filter(({ name }) => isGeneral(name)),
    ...general.filter(({ name }) => !names.includes(name)),
    ...enabled.filter(({ name }) => !isGeneral(name)),
  ];
}

function has<Point extends ExtensionPoint>(plugin: Plugin, point: Point): plugin is PluginAt<Point> {
  return plugin[point] !== undefined;
}
