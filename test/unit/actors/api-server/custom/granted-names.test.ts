import { describe, expect, it } from "vitest";
import { GrantedNames } from "../../../../../actors/api-server/core/custom/granted-names.ts";
import type { CustomResourceDefinition } from "../../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import { definitionOf } from "../harness/definitions.ts";

function granted(plural: string, kind: string, group?: string): CustomResourceDefinition {
  return { ...definitionOf(plural, group), status: { acceptedNames: { plural, kind, shortNames: ["w"] } } };
}

describe("names that have been granted", () => {
  it("are taken for all others of the group, and not for who holds them", () => {
    const names = new GrantedNames();
    const widgets = granted("widgets", "Widget");
    names.note(widgets);
    expect(names.takenFor(widgets)("resource", "widgets")).toBe(false);
    const other = names.takenFor(granted("gadgets", "Gadget"));
    expect(["widgets", "w", "Widget"].map((name) => other("resource", name))).toEqual([true, true, false]);
    expect(other("kind", "Widget")).toBe(true);
    expect(names.takenFor(granted("gadgets", "Gadget", "other.example.com"))("resource", "widgets")).toBe(false);
  });

  it("are free when their holder has others, or is no more", () => {
    const names = new GrantedNames();
    const other = definitionOf("gadgets");
    names.note(granted("widgets", "Widget"));
    names.note({ ...granted("widgets", "Thing") });
    expect([names.takenFor(other)("kind", "Widget"), names.takenFor(other)("kind", "Thing")]).toEqual([false, true]);
    names.forget("widgets.shop.example.com");
    expect(names.takenFor(other)("kind", "Thing")).toBe(false);
  });

  it("are told to have been let go of, by who has other names now or is no more, and by nobody else", () => {
    const names = new GrantedNames();
    expect(names.note(definitionOf("widgets"))).toBe(false);
    expect(names.note(granted("widgets", "Widget"))).toBe(false);
    expect(names.note(granted("widgets", "Widget"))).toBe(false);
    expect(names.note(granted("widgets", "Thing"))).toBe(true);
    expect([1, 2].map(() => names.forget("widgets.shop.example.com"))).toEqual([true, false]);
  });

  it("stay taken until the last of two holders is gone", () => {
    const names = new GrantedNames();
    names.note(granted("widgets", "Same"));
    names.note(granted("gadgets", "Same"));
    const third = names.takenFor(definitionOf("doodads"));
    names.forget("widgets.shop.example.com");
    expect(third("kind", "Same")).toBe(true);
    names.forget("gadgets.shop.example.com");
    expect(third("kind", "Same")).toBe(false);
  });
});
