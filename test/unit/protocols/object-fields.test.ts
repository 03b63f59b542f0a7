import { describe, expect, it } from "vitest";
import { fieldAt, parseFieldPath, withFieldAt } from "../../../protocols/object-fields.ts";

describe("the path of a field", () => {
  it.each([
    ["spec.replicas", ["spec", "replicas"]],
    ["spec.containers[0].image", ["spec", "containers", 0, "image"]],
    ['metadata.labels["app.kubernetes.io/name"]', ["metadata", "labels", "app.kubernetes.io/name"]],
    ['data["a\\"b"]', ["data", 'a"b']],
  ])("%s is read", (path, steps) => expect(parseFieldPath(path)).toEqual(steps));

  it.each(["", ".", ".spec", "spec.", "spec..a", "[0]", "spec[x]", 'spec["a]', "spec a"])("%j is none", (path) =>
    expect(parseFieldPath(path)).toBeUndefined(),
  );
});

describe("a field", () => {
  const object = { spec: { list: [{ a: 1 }, { a: 2 }] } };

  it("is found, or not", () => {
    expect(fieldAt(object, ["spec", "list", 1, "a"])).toBe(2);
    expect(fieldAt(object, ["spec", "list", 2, "a"])).toBeUndefined();
    expect(fieldAt(object, ["constructor"])).toBeUndefined();
  });

  it("is set in a copy, also where there was none", () => {
    expect(withFieldAt(object, ["spec", "list", 1, "a"], 3)).toEqual({ spec: { list: [{ a: 1 }, { a: 3 }] } });
    expect(withFieldAt(object, ["spec", "more"], 3)).toEqual({ spec: { ...object.spec, more: 3 } });
    expect(object).toEqual({ spec: { list: [{ a: 1 }, { a: 2 }] } });
  });

  it("is not set within what is not there", () => {
    expect(withFieldAt(object, ["status", "x"], 3)).toBeUndefined();
    expect(withFieldAt(object, ["spec", "list", 2], 3)).toBeUndefined();
    expect(withFieldAt(object, ["spec", "list", "a"], 3)).toBeUndefined();
  });
});
