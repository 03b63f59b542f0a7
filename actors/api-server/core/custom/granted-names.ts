/** Which names definitions have been granted. Asking, and noting that one has changed, costs the same however many there are. */
import type { CustomResourceDefinition } from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";

/** What names: plurals, singulars and short names are in one space, kinds and kinds of lists in the other. */
export type NameSpace = "resource" | "kind";

/** Names that others hold than the definition which asks. */
export type NameTaken = (space: NameSpace, name: string) => boolean;

export class GrantedNames {
  /** By group, space and name: the definitions that hold it. Two do when two servers granted it at the same time. */
  private readonly holders = new Map<string, readonly string[]>();
  /** By definition: the names it is entered with. */
  private readonly held = new Map<string, readonly string[]>();

  /**
   * What the definition holds from now on, in place of what it held before.
   * @returns whether it has let go of a name
   */
  note(definition: CustomResourceDefinition): boolean {
    const { name = "" } = definition.metadata ?? {};
    const names = heldBy(definition);
    const before = this.held.get(name) ?? [];
    if (before.length === names.length && names.every((each, at) => each === before[at])) return false;
    this.forget(name);
    this.held.set(name, names);
    for (const each of names) this.holders.set(each, [...(this.holders.get(each) ?? []), name]);
    return before.some((each) => !names.includes(each));
  }

  /**
   * The definition `name` is no more.
   * @returns whether it has let go of a name
   */
  forget(name: string): boolean {
    const before = this.held.get(name) ?? [];
    for (const each of before) {
      const left = (this.holders.get(each) ?? []).filter((holder) => holder !== name);
      if (left.length === 0) this.holders.delete(each);
      else this.holders.set(each, left);
    }
    this.held.delete(name);
    return before.length > 0;
  }

  takenFor({ metadata, spec: { group } }: CustomResourceDefinition): NameTaken {
    return (space, name) =>
      this.holders.get(entry(group, space, name))?.some((holder) => holder !== metadata?.name) === true;
  }
}

function entry(group: string, space: NameSpace, name: string): string {
  return `${group}/${space}/${name}`;
}

function heldBy({ spec: { group }, status }: CustomResourceDefinition): readonly string[] {
  const names = status?.acceptedNames;
  if (names === undefined) return [];
  const resources = [names.plural, names.singular, ...(names.shortNames ?? [])];
  const kinds = [names.kind, names.listKind];
  const entries = [
    ...resources.map((name) => name && entry(group, "resource", name)),
    ...kinds.map((name) => name && entry(group, "kind", name)),
  ];
  return [...new Set(entries.filter((each): each is string => each !== undefined && each !== ""))];
}
