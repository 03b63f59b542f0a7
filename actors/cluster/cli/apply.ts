/** `inkube apply`: brings the objects of manifests into a running cluster. */
import { Command } from "commander";
import type { GroupVersionResource, KubernetesObject, PatchType } from "../../../protocols/api-server.ts";
import { hasReason } from "../../../protocols/api-server.ts";
import type { CustomResourceDefinition } from "../../../protocols/kubernetes/types/apiextensions-v1.ts";
import { customResourceDefinitions, isDecided } from "../../client/custom-resources.ts";
import { applyPatch, definitionsIn, patchTypeOf, withRecord } from "../manifest.ts";
import type { Api } from "./api.ts";
import { linesOf } from "./api.ts";
import type { ConnectOptions } from "./connect.ts";
import { connected, withKubeconfig } from "./connect.ts";
import type { ServedResource } from "./discovery.ts";
import { Discovery, displayName, pathOf } from "./discovery.ts";
import { readManifests } from "./manifest-files.ts";

interface ApplyOptions extends ConnectOptions {
  readonly filename: readonly string[];
  readonly namespace: string;
}

const ESTABLISHED_SECONDS = 10;
/** Unknown and mistyped fields are errors, as with kubectl. */
const WRITE_QUERY = "fieldManager=inkube&fieldValidation=Strict";

export function applyCommand(): Command {
  return withKubeconfig(
    new Command("apply")
      .description("create what a manifest describes, and change what is there already")
      .requiredOption("-f, --filename <path...>", "YAML or JSON files, directories of them, or - for standard input")
      .option("-n, --namespace <name>", "for objects that name none", "default"),
  ).action((options: ApplyOptions) => connected(options, (api) => apply(api, options)));
}

async function apply(api: Api, options: ApplyOptions): Promise<void> {
  // All manifests are read, and all kinds found, before anything is written: half a manifest helps nobody.
  const objects = readManifests(options.filename);
  const discovery = (await Discovery.of(api)).with(definitionsIn(objects));
  const wanted = objects.map((object) => ({ object, resource: discovery.ofObject(object) }));
  for (const { object, resource } of wanted) {
    const namespace = object.metadata?.namespace ?? options.namespace;
    const done = await applyOne(
      api,
      resource.namespaced ? { ...object, metadata: { ...object.metadata, namespace } } : object,
      (name) => pathOf(resource, namespace, name),
      patchTypeOf(keyOf(resource)),
    );
    process.stdout.write(`${displayName(resource, done.name)} ${done.what}\n`);
    if (resource.name === customResourceDefinitions.resource) await established(api, done.name);
  }
}

function keyOf({ apiVersion, name }: ServedResource): GroupVersionResource {
  const [version = "", group = ""] = apiVersion.split("/").reverse();
  return { group, version, resource: name };
}

async function applyOne(
  api: Api,
  object: KubernetesObject,
  path: (name?: string) => string,
  patchType: PatchType,
): Promise<{ readonly name: string; readonly what: string }> {
  const name = object.metadata?.name;
  const current = name === undefined ? undefined : await find(api, path(name));
  if (current === undefined || name === undefined) {
    const body = name === undefined ? object : withRecord(object);
    const made = await api.json<KubernetesObject>({ method: "POST", path: `${path()}?${WRITE_QUERY}`, body });
    return { name: made.metadata?.name ?? "", what: "created" };
  }
  const changed = await api.json<KubernetesObject>({
    method: "PATCH",
    path: `${path(name)}?${WRITE_QUERY}`,
    contentType: patchType,
    body: applyPatch(current, object),
  });
  const same = changed.metadata?.resourceVersion === current.metadata?.resourceVersion;
  return { name, what: same ? "unchanged" : "configured" };
}

/** Objects of the definition can be applied then; for one whose names others have it is not waited for ever. */
async function established(api: Api, name: string): Promise<void> {
  const query = `watch=true&timeoutSeconds=${ESTABLISHED_SECONDS}&fieldSelector=metadata.name%3D${encodeURIComponent(name)}`;
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions?${query}`;
  for await (const line of linesOf(await api.open({ path }))) {
    const { object } = JSON.parse(line) as { readonly object: CustomResourceDefinition };
    if (isDecided(object)) return;
  }
}

async function find(api: Api, path: string): Promise<KubernetesObject | undefined> {
  try {
    return await api.json<KubernetesObject>({ path });
  } catch (error) {
    if (hasReason(error, "NotFound")) return undefined;
    throw error;
  }
}
