/** `inkube get`: shows objects of a running cluster, once or as they change. */
import { Command, Option } from "commander";
import { stringify } from "yaml";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { hasReason, statusError } from "../../../protocols/api-server.ts";
import type { Status } from "../../../protocols/kubernetes/types/meta-v1.ts";
import type { Api } from "./api.ts";
import { linesOf } from "./api.ts";
import type { ConnectOptions } from "./connect.ts";
import { connected, withKubeconfig } from "./connect.ts";
import type { ServedResource } from "./discovery.ts";
import { Discovery, displayName, pathOf } from "./discovery.ts";
import { refuse } from "./failure.ts";
import type { Table } from "./table.ts";
import { TablePrinter } from "./table.ts";
import { whyHint } from "./why-hint.ts";

interface GetOptions extends ConnectOptions {
  readonly namespace: string;
  readonly allNamespaces?: boolean;
  readonly output?: "wide" | "json" | "yaml" | "name";
  readonly watch?: boolean;
  readonly selector?: string;
  readonly fieldSelector?: string;
}

/** One collection, or one object of it. */
interface Wanted {
  readonly resource: ServedResource;
  readonly name: string | undefined;
}

type Listing = KubernetesObject & {
  readonly metadata?: { readonly resourceVersion?: string };
  readonly items?: readonly KubernetesObject[];
};

const AS_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

export function getCommand(): Command {
  return withKubeconfig(
    new Command("get")
      .description("show objects")
      .argument("<resource>", "pods, deployments, … several as pods,services; or pod/NAME")
      .argument("[names...]")
      .option("-n, --namespace <name>", "where the objects are", "default")
      .option("-A, --all-namespaces", "everywhere")
      .addOption(new Option("-o, --output <format>", "how to show them").choices(["wide", "json", "yaml", "name"]))
      .option("-w, --watch", "go on with what changes")
      .option("-l, --selector <labels>", "only objects with these labels")
      .option("--field-selector <fields>", "only objects with these fields"),
  ).action((words: string, names: readonly string[], options: GetOptions) =>
    connected(options, (api) => get(api, words, names, options)),
  );
}

async function get(api: Api, words: string, names: readonly string[], options: GetOptions): Promise<void> {
  const wanted = wantedOf(await Discovery.of(api), words, names);
  if (options.watch === true && wanted.length > 1) throw refuse("--watch takes one resource at a time");
  switch (options.output) {
    case "json":
    case "yaml":
    case "name":
      return printObjects(api, wanted, options, options.output);
    case "wide":
    case undefined:
      return printTables(api, wanted, options);
  }
}

function wantedOf(discovery: Discovery, words: string, names: readonly string[]): readonly Wanted[] {
  if (words.includes("/")) {
    return [words, ...names].map((pair) => {
      const [word = "", name = "", more] = pair.split("/");
      if (name === "" || more !== undefined) throw refuse(`expected resource/name, not "${pair}"`);
      return { resource: discovery.named(word), name };
    });
  }
  return words.split(",").flatMap((word): readonly Wanted[] => {
    const category = names.length === 0 ? discovery.inCategory(word) : [];
    if (category.length > 0) return category.map((each) => ({ resource: each, name: undefined }));
    const resource = discovery.named(word);
    return names.length === 0 ? [{ resource, name: undefined }] : names.map((name) => ({ resource, name }));
  });
}

async function printTables(api: Api, wanted: readonly Wanted[], options: GetOptions): Promise<void> {
  let printed = 0;
  let hint: string | undefined;
  let printer: TablePrinter | undefined;
  let previous: ServedResource | undefined;
  for (const target of wanted) {
    const table = await api.json<Table>({ path: pathFor(target, options), accept: AS_TABLE });
    const isNew = target.resource !== previous;
    previous = target.resource;
    if (isNew || printer === undefined) printer = printerFor(target.resource, wanted, options);
    if ((table.rows ?? []).length === 0) continue;
    if (isNew && printed > 0) process.stdout.write("\n");
    printed++;
    write(printer.lines(table));
    // For a person only: what reads a pipe has not asked.
    if (process.stdout.isTTY && process.stderr.isTTY) hint ??= whyHint(target.resource.name, table);
    if (options.watch === true) await follow(api, target, options, table.metadata?.resourceVersion, printer);
  }
  if (hint !== undefined) process.stderr.write(`${hint}\n`);
  if (printed > 0) return;
  const [only] = wanted;
  if (options.watch === true && only !== undefined)
    return follow(api, only, options, undefined, printerFor(only.resource, wanted, options));
  const everywhere = options.allNamespaces === true || !wanted.some(({ resource }) => resource.namespaced);
  process.stderr.write(`No resources found${everywhere ? "" : ` in ${options.namespace} namespace`}.\n`);
}

function printerFor(resource: ServedResource, wanted: readonly Wanted[], options: GetOptions): TablePrinter {
  return new TablePrinter({
    wide: options.output === "wide",
    namespaces: options.allNamespaces === true && resource.namespaced,
    prefix: wanted.some((other) => other.resource !== resource) ? displayName(resource, "") : "",
  });
}

/** Goes on after `resourceVersion`, over the deaths of API servers; from the present state when that one is too old. */
async function follow(
  api: Api,
  target: Wanted,
  options: GetOptions,
  resourceVersion: string | undefined,
  printer: TablePrinter,
): Promise<void> {
  for (let since = resourceVersion; ;) {
    const path = pathFor(target, options, {
      watch: "true",
      ...(since === undefined ? {} : { resourceVersion: since }),
    });
    try {
      for await (const line of linesOf(await api.open({ path, accept: AS_TABLE }))) {
        const event = JSON.parse(line) as { readonly type: string; readonly object: Table & Status };
        if (event.type === "ERROR") throw statusError(event.object);
        since = revisionOf(event.object) ?? since;
        if (event.type !== "BOOKMARK") write(printer.lines(event.object));
      }
    } catch (error) {
      if (!hasReason(error, "Expired", "Gone")) throw error;
      since = undefined;
    }
  }
}

function revisionOf(table: Table): string | undefined {
  const object = table.rows?.[0]?.object as KubernetesObject | undefined;
  return object?.metadata?.resourceVersion ?? table.metadata?.resourceVersion;
}

async function printObjects(
  api: Api,
  wanted: readonly Wanted[],
  options: GetOptions,
  format: "json" | "yaml" | "name",
): Promise<void> {
  const answers: Listing[] = [];
  for (const target of wanted) answers.push(await api.json<Listing>({ path: pathFor(target, options) }));
  const objects = answers.flatMap((answer, index) => {
    if (answer.items === undefined) return [{ resource: wanted[index]!.resource, object: answer }];
    const { apiVersion, kind } = wanted[index]!.resource;
    return answer.items.map((item) => ({ resource: wanted[index]!.resource, object: { apiVersion, kind, ...item } }));
  });
  if (format === "name") {
    write(objects.map(({ resource, object }) => displayName(resource, object.metadata?.name ?? "")));
    return;
  }
  const single = wanted.length === 1 && wanted[0]!.name !== undefined;
  const shown = single
    ? objects[0]!.object
    : { apiVersion: "v1", kind: "List", metadata: {}, items: objects.map(({ object }) => object) };
  process.stdout.write(format === "json" ? `${JSON.stringify(shown, undefined, 4)}\n` : stringify(shown));
}

function pathFor({ resource, name }: Wanted, options: GetOptions, more: Readonly<Record<string, string>> = {}): string {
  const watched = more["watch"] !== undefined;
  // An object is watched through its collection; the name is a field of it.
  const fields = [options.fieldSelector, watched && name !== undefined ? `metadata.name=${name}` : undefined]
    .filter((field) => field !== undefined)
    .join(",");
  const query = new URLSearchParams(more);
  if (options.selector !== undefined) query.set("labelSelector", options.selector);
  if (fields !== "") query.set("fieldSelector", fields);
  const namespace = options.allNamespaces === true ? undefined : options.namespace;
  const path = pathOf(resource, namespace, watched ? undefined : name);
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}

function write(lines: readonly string[]): void {
  if (lines.length > 0) process.stdout.write(`${lines.join("\n")}\n`);
}
