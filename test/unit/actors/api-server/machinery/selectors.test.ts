import { describe, expect, it } from "vitest";
import { compileSelection } from "../../../../../actors/api-server/core/machinery/selectors.ts";
import { statusOf } from "../../../../../protocols/api-server.ts";
import {
  compileSelectorObject,
  formatSelectorObject,
  matchesPlainSelector,
  parseLabelSelector,
} from "../../../../../protocols/kubernetes/selectors.ts";
import { readFixture, resourceOf } from "./oracle-fixture.ts";

interface Fixture {
  readonly labels: readonly Readonly<Record<string, string>>[];
  readonly cases: readonly {
    readonly selector: string;
    readonly matches?: readonly number[];
    readonly message?: string;
  }[];
  readonly fields: readonly {
    readonly group?: string;
    readonly resource: string;
    readonly selector: string;
    readonly message: string;
  }[];
}

const fixture = readFixture("selectors") as Fixture;
const configMaps = resourceOf("v1", "configmaps");

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    expect(statusOf(error)?.code).toBe(400);
    return (error as Error).message;
  }
  return "";
}

describe("label selectors", () => {
  for (const { selector, matches, message } of fixture.cases) {
    it(`are read as by kube-apiserver: ${JSON.stringify(selector)}`, () => {
      if (matches === undefined) {
        expect(refusal(() => compileSelection(configMaps, selector, undefined))).toBe(message);
        return;
      }
      const selection = compileSelection(configMaps, selector, undefined);
      const found = fixture.labels.flatMap((labels, i) => (selection.matches({ metadata: { labels } }) ? [i] : []));
      expect(found).toEqual(matches);
    });
  }

  it("match nothing when an object's selector is absent, everything when it is empty", () => {
    expect(compileSelectorObject(undefined).matches({ a: "b" })).toBe(false);
    expect(compileSelectorObject({}).matches(undefined)).toBe(true);
    expect(matchesPlainSelector({}, { a: "b" })).toBe(false);
    expect(matchesPlainSelector({ a: "b" }, { a: "b", c: "d" })).toBe(true);
  });

  it("written out from an object, are read back as the same selector", () => {
    const selector = {
      matchLabels: { b: "1", a: "2" },
      matchExpressions: [
        { key: "c", operator: "In", values: ["y", "x"] },
        { key: "d", operator: "DoesNotExist" },
      ],
    };
    const text = formatSelectorObject(selector);
    expect(text).toBe("a=2,b=1,c in (x,y),!d");
    for (const labels of [{ a: "2", b: "1", c: "x" }, { a: "2", b: "1", c: "x", d: "" }, { a: "2" }]) {
      expect(parseLabelSelector(text).matches(labels)).toBe(compileSelectorObject(selector).matches(labels));
    }
  });
});

describe("field selectors", () => {
  for (const { group = "", resource, selector, message } of fixture.fields) {
    it(`are taken or refused as by kube-apiserver: ${resource} ${JSON.stringify(selector)}`, () => {
      const row = resourceOf(group === "" ? "v1" : `${group}/v1`, resource);
      expect(refusal(() => compileSelection(row, undefined, selector))).toBe(message);
    });
  }

  it("tell which value a field must have, so that a cache can use its index", () => {
    const selection = compileSelection(resourceOf("v1", "pods"), "a=b", "spec.nodeName=worker-1,status.phase!=Failed");
    expect([...selection.exact]).toEqual([["spec.nodeName", "worker-1"]]);
    expect(selection.everything).toBe(false);
    const pod = { metadata: { labels: { a: "b" } }, spec: { nodeName: "worker-1" }, status: { phase: "Running" } };
    expect(selection.matches(pod)).toBe(true);
    const failed = { ...pod, status: { phase: "Failed" } };
    expect(selection.matches(failed)).toBe(false);
    expect(selection.matches({ ...pod, metadata: {} })).toBe(false);
  });

  it("take an absent field for its zero value", () => {
    const pods = resourceOf("v1", "pods");
    const unbound = compileSelection(pods, undefined, "spec.nodeName=,spec.hostNetwork=false");
    expect(unbound.matches({ metadata: { name: "a" } })).toBe(true);
  });
});
