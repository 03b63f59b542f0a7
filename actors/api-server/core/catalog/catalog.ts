/**
 * What a server serves: built-in kinds and whatever joins them, all as `Served`. A catalog never changes; a server that serves
 * something else from now on takes another one, which shares with it the groups that are the same. So what is derived from
 * a group, such as its documents, is kept by the group (`GroupCache`) and made again only when the group is another.
 */
import type { ResourceInfo } from "../../../../protocols/kubernetes/resources.ts";
import { RESOURCES } from "../../../../protocols/kubernetes/resources.ts";
import { rulesOf } from "../kinds/kinds.ts";
import type { KindRules } from "../kinds/rules.ts";
import { noSuchResource } from "../machinery/status.ts";
import type { ObjectForm } from "./form.ts";
import { builtInForm } from "./form.ts";

/** A resource in one version. */
export interface Served {
  readonly info: ResourceInfo;
  readonly form: ObjectForm;
  readonly rules: KindRules;
  /** The resource in the version in which its objects are stored; often this one. */
  readonly stored: Served;
  /** What documents say of objects that have no field table: the `openAPIV3Schema` of a CustomResourceDefinition. */
  readonly openApiSchema?: Readonly<Record<string, unknown>>;
}

export interface CatalogVersion {
  readonly version: string;
  readonly resources: readonly Served[];
}

export interface CatalogGroup {
  /** "" is the core group. */
  readonly name: string;
  /** The preferred one first. */
  readonly versions: readonly CatalogVersion[];
}

/** By `<version>/<resource>`. */
type Index = ReadonlyMap<string, Served>;

export class Catalog {
  readonly groups: ReadonlyMap<string, CatalogGroup>;
  private readonly indexes = new GroupCache(indexOf);

  constructor(groups: ReadonlyMap<string, CatalogGroup>) {
    this.groups = groups;
  }

  static builtIn(): Catalog {
    return new Catalog(groupsOf(RESOURCES));
  }

  get all(): readonly Served[] {
    return [...this.groups.values()].flatMap(({ versions }) => versions.flatMap(({ resources }) => resources));
  }

  find(group: string, version: string, resource: string): Served | undefined {
    const owner = this.groups.get(group);
    return owner === undefined ? undefined : this.indexes.of(owner).get(`${version}/${resource}`);
  }

  version(group: string, version: string): CatalogVersion | undefined {
    return this.groups.get(group)?.versions.find((each) => each.version === version);
  }

  /** @throws Status 404 */
  served({ group, version, resource }: Pick<ResourceInfo, "group" | "version" | "resource">): Served {
    const found = this.find(group, version, resource);
    if (found === undefined) throw noSuchResource();
    return found;
  }

  /** One that the server itself relies on. */
  required(group: string, version: string, resource: string): Served {
    const found = this.find(group, version, resource);
    if (found === undefined) throw new Error(`${group}/${version} has no ${resource}`);
    return found;
  }
}

/** What is derived from a group, made when first asked for. */
export class GroupCache<T> {
  private readonly made = new WeakMap<CatalogGroup, T>();
  private readonly make: (group: CatalogGroup) => T;

  constructor(make: (group: CatalogGroup) => T) {
    this.make = make;
  }

  of(group: CatalogGroup): T {
    let value = this.made.get(group);
    if (value === undefined) this.made.set(group, (value = this.make(group)));
    return value;
  }
}

function indexOf({ versions }: CatalogGroup): Index {
  return new Map(
    versions.flatMap(({ version, resources }) =>
      resources.map((each): [string, Served] => [`${version}/${each.info.resource}`, each]),
    ),
  );
}

/** Groups and versions in the order in which the rows first name them. */
function groupsOf(rows: readonly ResourceInfo[]): ReadonlyMap<string, CatalogGroup> {
  const byStorage = new Map<string, Served>();
  const served = [...rows].sort(storedFirst).map((info) => {
    const one = servedAs(info, byStorage.get(info.storagePrefix ?? ""));
    if (one.stored === one && info.storagePrefix !== undefined) byStorage.set(info.storagePrefix, one);
    return one;
  });
  const of = new Map(served.map((one) => [one.info, one]));
  const groups = new Map<string, Map<string, Served[]>>();
  for (const info of rows) {
    const one = of.get(info);
    if (one === undefined) continue;
    const versions = groups.get(info.group) ?? new Map<string, Served[]>();
    groups.set(info.group, versions);
    const resources = versions.get(info.version);
    if (resources === undefined) versions.set(info.version, [one]);
    else resources.push(one);
  }
  return new Map(
    [...groups].map(([name, versions]) => [
      name,
      { name, versions: [...versions].map(([version, resources]) => ({ version, resources })) },
    ]),
  );
}

function storedFirst(a: ResourceInfo, b: ResourceInfo): number {
  return Number(a.storageApiVersion !== undefined) - Number(b.storageApiVersion !== undefined);
}

function servedAs(info: ResourceInfo, stored: Served | undefined): Served {
  const rules = rulesOf(info);
  if (info.storageApiVersion === undefined) return new StoredAsServed(info, rules);
  if (stored === undefined) throw new Error(`nothing stores ${info.apiVersion} ${info.resource}`);
  return { info, form: builtInForm(info), rules, stored };
}

class StoredAsServed implements Served {
  readonly info: ResourceInfo;
  readonly form: ObjectForm;
  readonly rules: KindRules;

  constructor(info: ResourceInfo, rules: KindRules) {
    this.info = info;
    this.form = builtInForm(info);
    this.rules = rules;
  }

  get stored(): Served {
    return this;
  }
}
