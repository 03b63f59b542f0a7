import { describe, expect, it } from "vitest";
import { Causes } from "../../../../../actors/client/core/causes.ts";

describe("the causes of a key's next turn", () => {
  it("are those of all changes since the last one, each once, in order", () => {
    const causes = new Causes();
    for (const why of ["a#1", "b#2", "a#1", ""]) causes.add("web", why);
    causes.add("other", "c#3");
    expect(causes.take("web")).toMatchObject({ causes: ["a#1", "b#2"], more: 0 });
    expect(causes.take("web")).toMatchObject({ causes: [], more: 0 });
    expect(causes.take("other").causes).toEqual(["c#3"]);
  });

  it("are the first eight, and a number, of a key that changes without end", () => {
    const causes = new Causes();
    for (let index = 0; index < 1_000; index++) causes.add("web", `a#${index}`);
    const { causes: kept, more } = causes.take("web");
    expect(kept).toHaveLength(8);
    expect(more).toBe(992);
  });

  it("may be recorded only when they are asked for", () => {
    const causes = new Causes();
    const later = (): string => "a#1";
    causes.add("web", later);
    causes.add("web", later);
    expect(causes.take("web").causes).toEqual([later]);
  });
});
