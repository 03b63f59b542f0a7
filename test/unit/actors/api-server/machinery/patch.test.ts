import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyDefaults } from "../../../../../actors/api-server/core/machinery/defaults.ts";
import {
  applyPatch,
  parsePatch,
  patchObject,
} from "../../../../../actors/api-server/core/machinery/patch/apply-patch.ts";
import { applyMergePatch } from "../../../../../actors/api-server/core/machinery/patch/merge-patch.ts";
import type { KubernetesObject, PatchType } from "../../../../../protocols/api-server.ts";
import { statusOf } from "../../../../../protocols/api-server.ts";
import { readFixture } from "./oracle-fixture.ts";
import { rulesFor, servedAs } from "../harness/catalog.ts";
import { finished } from "../../../../../actors/api-server/core/steps.ts";

interface Fixture {
  readonly current: Readonly<Record<string, KubernetesObject>>;
  readonly cases: readonly {
    readonly apiVersion: string;
    readonly resource: string;
    readonly of: string;
    readonly type: PatchType;
    readonly patch: unknown;
    readonly expected?: KubernetesObject;
    readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
  }[];
}

const fixture = readFixture("patches") as Fixture;

function withoutSystemFields(object: KubernetesObject): unknown {
  const { managedFields, uid, creationTimestamp, resourceVersion, generation, ...metadata } = object.metadata ?? {};
  void [managedFields, uid, creationTimestamp, resourceVersion, generation];
  return { ...object, metadata };
}

describe("patchObject", () => {
  for (const { apiVersion, resource, of, type, patch, expected, status } of fixture.cases) {
    const kind = type.replace(/^application\/(.*)\+.*$/, "$1");
    it(`${kind} of a ${of} does what kube-apiserver does: ${JSON.stringify(patch).slice(0, 160)}`, () => {
      const current = fixture.current[of];
      if (current === undefined) throw new Error(`no ${of}`);
      const before = structuredClone(current);
      let answer: unknown;
      try {
        const { object } = finished(patchObject(type, servedAs(apiVersion, resource).form, current, patch, "Strict"));
        answer = withoutSystemFields(applyDefaults(rulesFor(object), object));
      } catch (error) {
        const found = statusOf(error);
        answer = {
          code: found?.code,
          reason: found?.reason ?? "",
          message: found?.message?.slice(0, status?.message.length === 40 ? 40 : undefined),
        };
      }
      expect(answer).toEqual(expected ?? status);
      expect(current).toEqual(before);
    });
  }

  it("refuses text that is not JSON", () => {
    expect(() => parsePatch("{")).toThrow("invalid JSON patch");
  });

  it("refuses a JSON patch with more operations than Kubernetes takes", () => {
    const patch = Array.from({ length: 10_001 }, () => ({ op: "test", path: "", value: 1 }));
    const of = servedAs("v1", "configmaps").form;
    expect(() => applyPatch("application/json-patch+json", of, {}, patch)).toThrow("Request entity too large");
  });

  it("refuses what is no text where a text belongs, though JavaScript can't make one of it", () => {
    const of = servedAs("v1", "configmaps").form;
    const odd = { toString: "" };
    const codeOf = (type: PatchType, patch: unknown): number | undefined => {
      try {
        applyPatch(type, of, {}, patch);
      } catch (error) {
        return statusOf(error)?.code;
      }
      return undefined;
    };
    expect([
      codeOf("application/json-patch+json", [{ op: "add", path: odd, value: 1 }]),
      codeOf("application/json-patch+json", [{ op: odd, path: "/a" }]),
      codeOf("application/strategic-merge-patch+json", { $patch: odd }),
    ]).toEqual([422, 422, 500]);
  });

  it("keeps __proto__ a plain key in every kind of patch", () => {
    const of = servedAs("v1", "configmaps").form;
    const patch = JSON.parse('{"data":{"__proto__":{"polluted":"yes"}}}') as unknown;
    applyPatch("application/merge-patch+json", of, { kind: "ConfigMap" }, patch);
    applyPatch("application/strategic-merge-patch+json", of, { kind: "ConfigMap" }, patch);
    const operations = [{ op: "add", path: "/__proto__/polluted", value: "yes" }];
    expect(() => applyPatch("application/json-patch+json", of, {}, operations)).toThrow();
    expect(({} as { polluted?: string }).polluted).toBeUndefined();
  });
});

/** The merge patch that turns `from` into `to`; neither holds nulls (RFC 7386 can't set one). */
function mergeDiff(from: unknown, to: unknown): unknown {
  const plain = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  if (!plain(from) || !plain(to)) return to;
  const patch: Record<string, unknown> = {};
  for (const key of Object.keys(from)) if (!Object.hasOwn(to, key)) patch[key] = null;
  for (const key of Object.keys(to)) patch[key] = mergeDiff(from[key], to[key]);
  return patch;
}

const key = fc.constantFrom("a", "b", "c", "d");
const tree = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.integer(),
    fc.string(),
    fc.array(fc.integer(), { maxLength: 3 }),
    fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;
const object = fc.dictionary(key, tree, { maxKeys: 4, noNullPrototype: true });

describe("applyMergePatch", () => {
  it("turns any object into any other by the difference between them", () => {
    fc.assert(
      fc.property(object, object, (from, to) => {
        expect(applyMergePatch(from, mergeDiff(from, to))).toEqual(to);
      }),
    );
  });
});

const container = fc.record({ name: fc.constantFrom("a", "b", "c", "d", "e"), image: fc.string({ minLength: 1 }) });
const containers = fc.uniqueArray(container, { selector: ({ name }) => name, minLength: 1, maxLength: 5 });

describe("the strategic merge patch", () => {
  it("turns any list of containers into any other, order included", () => {
    const of = servedAs("v1", "pods").form;
    fc.assert(
      fc.property(containers, containers, (from, to) => {
        const removed = from.filter(({ name }) => !to.some((other) => other.name === name));
        const patch = {
          spec: {
            "$setElementOrder/containers": to.map(({ name }) => ({ name })),
            containers: [...to, ...removed.map(({ name }) => ({ name, $patch: "delete" }))],
          },
        };
        const current = { apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec: { containers: from } };
        const patched = applyPatch("application/strategic-merge-patch+json", of, current, patch);
        expect(patched).toEqual({ ...current, spec: { containers: to } });
      }),
    );
  });

  it("changes nothing but what it names", () => {
    const of = servedAs("v1", "pods").form;
    fc.assert(
      fc.property(containers, container, (from, one) => {
        const current = { apiVersion: "v1", kind: "Pod", spec: { containers: from } };
        const patch = { spec: { containers: [one] } };
        const patched = applyPatch("application/strategic-merge-patch+json", of, current, patch) as typeof current;
        const rest = patched.spec.containers.filter(({ name }) => name !== one.name);
        expect(rest).toEqual(from.filter(({ name }) => name !== one.name));
        expect(patched.spec.containers).toContainEqual(one);
      }),
    );
  });
});

describe("a patch of many operations", () => {
  const of = servedAs("v1", "configmaps").form;
  const apply = (current: object, operations: readonly object[]): unknown =>
    applyPatch("application/json-patch+json", of, current as KubernetesObject, operations);

  it("copies no more than kube-apiserver lets it: thirty copies of a document into itself would be a billion", () => {
    const copies = Array.from({ length: 30 }, (_, i) => ({ op: "copy", from: "/data", path: `/data/c${i}` }));
    expect(() => apply({ data: { a: "b" } }, copies)).toThrow("rejected");
    expect(apply({ data: { a: "b" } }, copies.slice(0, 3))).toHaveProperty("data.c2.c1.c0.a", "b");
  });

  it("nests nothing deeper than a body may be", () => {
    const deepest = (depth: number): string => `/data${"/a".repeat(depth)}`;
    const operations = [900, 1_800].map((depth) => ({
      op: "add",
      path: deepest(depth),
      value: JSON.parse(`${'{"a":'.repeat(900)}1${"}".repeat(900)}`) as unknown,
    }));
    const current = { data: JSON.parse(`${'{"a":'.repeat(900)}1${"}".repeat(900)}`) as unknown };
    expect(() => apply(current, operations)).toThrow("rejected");
  });

  it("tests a large map and moves a long list only so often", () => {
    const data = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`k${i}`, ""]));
    const tests = Array.from({ length: 10_000 }, () => ({ op: "test", path: "/data", value: data }));
    expect(() => apply({ data }, tests)).toThrow("rejected");
    const list = Array.from({ length: 500_000 }, () => 0);
    const moves = Array.from({ length: 10_000 }, () => ({ op: "add", path: "/list/0", value: 1 }));
    expect(() => apply({ list }, moves)).toThrow("rejected");
    expect(apply({ list: [] }, moves)).toHaveProperty("list.length", 10_000);
  });
});

describe("a strategic merge patch of a long list", () => {
  it("looks at each element a few times only", () => {
    let looks = 0;
    const counted = (i: number): object => ({
      get name() {
        looks++;
        return `n${i}`;
      },
      image: "x",
    });
    const lists = (length: number): object[] => Array.from({ length }, (_, i) => counted(i));
    const of = servedAs("v1", "pods").form;
    const current = { spec: { containers: lists(2_000) } } as unknown as KubernetesObject;
    applyPatch("application/strategic-merge-patch+json", of, current, { spec: { containers: lists(2_000).reverse() } });
    expect(looks).toBeLessThan(2_000 * 40);
  });
});
