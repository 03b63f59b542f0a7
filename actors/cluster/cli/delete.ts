/** `inkube delete`: deletes objects of a running cluster. */
import { Command } from "commander";
import { hasReason } from "../../../protocols/api-server.ts";
import type { Api } from "./api.ts";
import type { ConnectOptions } from "./connect.ts";
import { connected, withKubeconfig } from "./connect.ts";
import type { ServedResource } from "./discovery.ts";
import { Discovery, displayName, pathOf } from "./discovery.ts";
import { refuse } from "./failure.ts";
import { readManifests } from "./manifest-files.ts";

interface DeleteCommandOptions extends ConnectOptions {
  readonly filename?: readonly string[];
  readonly namespace: string;
  readonly gracePeriod?: string;
}

interface Target {
  readonly resource: ServedResource;
  readonly namespace: string;
  readonly name: string;
}

export function deleteCommand(): Command {
  return withKubeconfig(
    new Command("delete")
      .description("delete objects by name, or all that a manifest describes")
      .argument("[resource]", "pod, deployment, …, or pod/NAME")
      .argument("[names...]")
      .option("-f, --filename <path...>", "YAML or JSON files, directories of them, or - for standard input")
      .option("-n, --namespace <name>", "where the objects are", "default")
      .option("--grace-period <seconds>", "how long containers may take to end"),
  ).action((word: string | undefined, names: readonly string[], options: DeleteCommandOptions) =>
    connected(options, (api) => deleteAll(api, word, names, options)),
  );
}

async function deleteAll(
  api: Api,
  word: string | undefined,
  names: readonly string[],
  options: DeleteCommandOptions,
): Promise<void> {
  const discovery = await Discovery.of(api);
  const targets =
    options.filename === undefined ? named(discovery, word, names, options) : described(discovery, options);
  const grace = options.gracePeriod === undefined ? {} : { gracePeriodSeconds: seconds(options.gracePeriod) };
  for (const { resource, namespace, name } of targets) {
    try {
      await api.json({
        method: "DELETE",
        path: pathOf(resource, namespace, name),
        body: { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: "Background", ...grace },
      });
      process.stdout.write(`${displayName(resource, name)} deleted\n`);
    } catch (error) {
      // What a manifest describes may be gone already: that is what was asked for.
      if (options.filename === undefined || !hasReason(error, "NotFound")) throw error;
    }
  }
}

function named(
  discovery: Discovery,
  word: string | undefined,
  names: readonly string[],
  { namespace }: DeleteCommandOptions,
): readonly Target[] {
  const [kind = "", slashed] = (word ?? "").split("/");
  const all = slashed === undefined ? names : [slashed, ...names];
  if (kind === "" || all.length === 0) throw refuse("what to delete? Give a resource and a name, or -f FILE");
  const resource = discovery.named(kind);
  return all.map((name) => ({ resource, namespace, name }));
}

function described(discovery: Discovery, options: DeleteCommandOptions): readonly Target[] {
  return readManifests(options.filename ?? []).flatMap((object) => {
    const name = object.metadata?.name;
    if (name === undefined) return [];
    const resource = discovery.ofObject(object);
    return [{ resource, namespace: object.metadata?.namespace ?? options.namespace, name }];
  });
}

function seconds(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw refuse(`--grace-period takes whole seconds, not "${text}"`);
  return value;
}
