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
import type { WebhookConversion } from "../webhooks/conversion.ts";
import { SharedMap } from "./shared-map.ts";
import { placeOf, withEntry, withoutEntry } from "./sorted-list.ts";
import { compareVersions } from "../../../../protocols/kubernetes/version-priority.ts";

/** A resource in one version. */
export interface Served {
  readonly info: ResourceInfo;
  readonly form: ObjectForm;
  readonly rules: KindRules;
  /** The resource in the version in which its objects are stored; often this one. */
  readonly stored: Served;
  /**
   * The same resource as if its objects were stored in this version, where fields that the stored version does not have are lost
   * in the store and no sooner: so long writes are decided here.
   */
  readonly own?: Served;
  /** Where a webhook converts: `stored` is this one in every version then. */
  readonly conversion?: WebhookConversion;
  /** What documents say of objects that have no field table: the `openAPIV3Schema` of a CustomResourceDefinition. */
  readonly openApiSchema?: Readonly<Record<string, unknown>>;
  /** Another one whenever `openApiSchema` is another: what a definition is now. Without it the schema itself is compared. */
  readonly openApiRevision?: string;
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

/** What is there in every catalog of a server. */
interface BuiltIn {
  readonly groups: ReadonlyMap<string, CatalogGroup>;
  readonly indexes: ReadonlyMap<string, Index>;
}

export class Catalog {
  private readonly builtIn: BuiltIn;
  /** What each definition adds, by its name. */
  private readonly definitions: SharedMap<readonly Served[]>;
  /** What the definitions add, by `<group>/<version>/<resource>`. */
  private readonly added: SharedMap<Served>;
  /** Groups that they add something to, whole, by name. */
  private readonly changed: readonly CatalogGroup[];
  private ordered: ReadonlyMap<string, CatalogGroup> | undefined;

  private constructor(
    builtIn: BuiltIn,
    definitions: SharedMap<readonly Served[]>,
    added: SharedMap<Served>,
    changed: readonly CatalogGroup[],
  ) {
    this.builtIn = builtIn;
    this.definitions = definitions;
    this.added = added;
    this.changed = changed;
  }

  /** @param more behind those that every server has */
  static builtIn(more: readonly ResourceInfo[] = []): Catalog {
    const groups = groupsOf([...RESOURCES, ...more]);
    const indexes = new Map([...groups].map(([name, group]) => [name, indexOf(group)]));
    return new Catalog({ groups, indexes }, SharedMap.empty(), SharedMap.empty(), []);
  }

  /**
   * With what a CustomResourceDefinition adds, in place of what it added before. The cost hardly grows with how many there are.
   * What it adds to a version of a group that is built in is not served, as in Kubernetes.
   */
  with(definition: string, served: readonly Served[]): Catalog {
    const { builtIn } = this;
    const before = this.without(definition);
    let { added, changed } = before;
    for (const one of served) {
      const { group, version, resource } = one.info;
      const own = builtIn.groups.get(group);
      if (own?.versions.some((each) => each.version === version) === true) continue;
      added = added.with(`${group}/${version}/${resource}`, one);
      const whole = groupIn(changed, group) ?? own ?? { name: group, versions: [] };
      changed = withEntry(changed, withResource(whole, one, own), groupName);
    }
    return new Catalog(builtIn, before.definitions.with(definition, served), added, changed);
  }

  without(definition: string): Catalog {
    const served = this.definitions.get(definition);
    if (served === undefined) return this;
    let { added, changed } = this;
    for (const { info } of served) {
      const { group, version, resource } = info;
      const whole = groupIn(changed, group);
      const key = `${group}/${version}/${resource}`;
      if (whole === undefined || added.get(key) === undefined) continue;
      added = added.without(key);
      const left = withoutResource(whole, version, resource);
      const own = this.builtIn.groups.get(group)?.versions.length ?? 0;
      changed =
        left.versions.length === own ? withoutEntry(changed, group, groupName) : withEntry(changed, left, groupName);
    }
    return new Catalog(this.builtIn, this.definitions.without(definition), added, changed);
  }

  /** In the order in which discovery names them: those that are built in, then the others by name. */
  get groups(): ReadonlyMap<string, CatalogGroup> {
    return (this.ordered ??= this.inOrder());
  }

  get all(): readonly Served[] {
    return [...this.groups.values()].flatMap(({ versions }) => versions.flatMap(({ resources }) => resources));
  }

  /** Whether a group is there whatever is defined. */
  isBuiltIn(group: string): boolean {
    return this.builtIn.groups.has(group);
  }

  group(name: string): CatalogGroup | undefined {
    return groupIn(this.changed, name) ?? this.builtIn.groups.get(name);
  }

  find(group: string, version: string, resource: string): Served | undefined {
    const own = this.builtIn.indexes.get(group)?.get(`${version}/${resource}`);
    return own ?? this.added.get(`${group}/${version}/${resource}`);
  }

  version(group: string, version: string): CatalogVersion | undefined {
    return this.group(group)?.versions.find((each) => each.version === version);
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

  private inOrder(): ReadonlyMap<string, CatalogGroup> {
    const groups = new Map(this.builtIn.groups);
    for (const group of this.changed) groups.set(group.name, group);
    return groups;
  }
}

function groupName({ name }: CatalogGroup): string {
  return name;
}

function resourceName({ info }: Served): string {
  return info.resource;
}

function groupIn(groups: readonly CatalogGroup[], name: string): CatalogGroup | undefined {
  const { at, found } = placeOf(groups, name, groupName);
  return found ? groups[at] : undefined;
}

/** Versions that are added come before those of `own`, the group as it is built in; resources are in the order of their names. */
function withResource(group: CatalogGroup, served: Served, own: CatalogGroup | undefined): CatalogGroup {
  const { version } = served.info;
  const isOwn = (each: CatalogVersion): boolean => own?.versions.includes(each) === true;
  const present = group.versions.find((each) => each.version === version)?.resources ?? [];
  const resources = withEntry(present, served, resourceName);
  const added = [
    ...group.versions.filter((each) => each.version !== version && !isOwn(each)),
    { version, resources },
  ].sort((a, b) => compareVersions(a.version, b.version));
  return { name: group.name, versions: [...added, ...group.versions.filter(isOwn)] };
}

function withoutResource({ name, versions }: CatalogGroup, version: string, resource: string): CatalogGroup {
  const left = versions.map((each) =>
    each.version === version ? { version, resources: withoutEntry(each.resources, resource, resourceName) } : each,
  );
  return { name, versions: left.filter(({ resources }) => resources.length > 0) };
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
