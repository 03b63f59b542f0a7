import { describe, expect, it } from "vitest";
import { describedName, descriptions } from "../../../../../actors/api-server/core/machinery/descriptions.ts";
import { PACKAGES, TypeRef } from "../../../../../protocols/kubernetes/schema/schema.ts";

const types = PACKAGES.flatMap((owner) => Object.keys(owner.types).map((name) => new TypeRef(owner, name)));
const known = new Map(types.map((type) => [describedName(type.openApiName), type]));

describe("descriptions", () => {
  it("are of types and fields that are there, in a sentence", () => {
    for (const [name, text] of descriptions()) {
      const field = known.has(name) ? undefined : name.slice(name.lastIndexOf(".") + 1);
      const type = known.get(field === undefined ? name : name.slice(0, -field.length - 1));
      expect(field === undefined ? type?.name : type?.fields.get(field)?.name, name).toBeDefined();
      expect(text, name).toMatch(/\.$/);
    }
  });

  it.each([
    "api.core.v1.Pod",
    "api.core.v1.PodSpec",
    "api.core.v1.Container",
    "api.core.v1.ServiceSpec",
    "apis.meta.v1.ObjectMeta",
  ])("are there for all fields of %s", (name) => {
    const fields = [...(known.get(name)?.fields.keys() ?? [])];
    expect(fields.filter((field) => !descriptions().has(`${name}.${field}`))).toEqual([]);
  });
});
