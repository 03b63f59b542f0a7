/** A schema as the structure that server-side apply goes by. */
import { describe, expect, it } from "vitest";
import { parseSchema } from "../../../../../actors/api-server/core/custom/schema.ts";
import { structureOfSchema } from "../../../../../actors/api-server/core/custom/schema-structure.ts";

const text = { type: "string" };

describe("the structure of a schema", () => {
  it.each([
    [{ type: "array", items: text, "x-kubernetes-list-type": "set" }, "set"],
    [{ type: "array", items: text }, "atomic"],
    [{ type: "object", additionalProperties: text }, "map"],
    [{ type: "object", properties: { a: text } }, "struct"],
    [{ type: "object", properties: { a: text }, "x-kubernetes-map-type": "atomic" }, "atomic"],
    [{ type: "object", "x-kubernetes-preserve-unknown-fields": true }, "unknown"],
    [{ "x-kubernetes-int-or-string": true }, "leaf"],
    [text, "leaf"],
  ])("of %j is %s", (props, is) => {
    expect(structureOfSchema(parseSchema(props), false).is).toBe(is);
  });

  it("tells the items of a list apart by its keys, with their defaults", () => {
    const item = { type: "object", properties: { port: { type: "integer" }, protocol: { ...text, default: "TCP" } } };
    const structure = structureOfSchema(
      parseSchema({
        type: "array",
        items: item,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["port", "protocol"],
      }),
      false,
    );
    expect([structure.is, structure.keys]).toEqual(["listMap", ["port", "protocol"]]);
    expect(structure.keyDefault("protocol")).toBe("TCP");
    expect(structure.element?.field("port")?.scalar).toBe("number");
  });

  it("has what every object of Kubernetes has", () => {
    const root = structureOfSchema(parseSchema({ type: "object", properties: { spec: { type: "object" } } }), true);
    expect(root.field("metadata")?.field("finalizers")?.is).toBe("set");
    expect(root.field("kind")?.is).toBe("leaf");
    expect(root.field("unheardOf")).toBeUndefined();
  });
});
