import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeObject } from "../../../../../actors/api-server/core/machinery/decode-object.ts";
import { parseJson } from "../../../../../actors/api-server/core/machinery/json.ts";
import { patchObject } from "../../../../../actors/api-server/core/machinery/patch/apply-patch.ts";
import { servedAs } from "../harness/catalog.ts";
import { readFixture, resourceOf } from "./oracle-fixture.ts";
import { finished } from "../../../../../actors/api-server/core/steps.ts";

interface Case {
  readonly apiVersion: string;
  readonly resource: string;
  readonly text: string;
  readonly message: string;
}

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}

/** Where a time stops to be one is not told. */
function comparable(message: string): string {
  return message.replace(/cannot parse ".*" as ".*"$/, "cannot parse");
}

const pods = resourceOf("v1", "pods");

describe("decodeObject", () => {
  for (const { apiVersion, resource, text, message } of (readFixture("decode-errors") as { cases: Case[] }).cases) {
    it(`refuses what kube-apiserver refuses, with its words: ${text.slice(0, 160)}`, () => {
      const expected = resourceOf(apiVersion, resource);
      const found = refusal(() => decodeObject(expected, parseJson(text, expected), "Strict"));
      expect(comparable(found)).toBe(comparable(message));
    });
  }

  it("drops unknown fields and tells of them when asked to warn", () => {
    const text = '{"metadata":{"name":"a","x":1},"spec":{"foo":1,"containers":[{"name":"a","image":"i","image":"j"}]}}';
    const { object, warnings } = decodeObject(pods, parseJson(text, pods), "Warn");
    expect(warnings).toEqual([
      'unknown field "metadata.x"',
      'unknown field "spec.foo"',
      'duplicate field "spec.containers[0].image"',
    ]);
    expect(object).toEqual({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "a" },
      spec: { containers: [{ name: "a", image: "j", resources: {} }] },
      status: {},
    });
    expect(decodeObject(pods, parseJson(text, pods), "Ignore").warnings).toEqual([]);
  });

  it("leaves out nulls and empty optional values, and keeps empty objects that mean something", () => {
    const value = {
      metadata: { name: "a", labels: {}, annotations: null, finalizers: [] },
      spec: {
        hostNetwork: false,
        activeDeadlineSeconds: 0,
        nodeName: "",
        securityContext: {},
        volumes: [{ name: "v", emptyDir: {} }],
        containers: [{ name: "a", env: [{ name: "x", value: "" }] }],
      },
    };
    expect(decodeObject(pods, { value, duplicates: [] }, "Strict").object).toEqual({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "a" },
      spec: {
        activeDeadlineSeconds: 0,
        securityContext: {},
        volumes: [{ name: "v", emptyDir: {} }],
        containers: [{ name: "a", env: [{ name: "x" }], resources: {} }],
      },
      status: {},
    });
  });

  it("writes quantities and times in their canonical form", () => {
    const value = {
      metadata: { name: "a", creationTimestamp: "2026-01-01T01:00:00.5+01:00" },
      spec: { containers: [{ name: "a", resources: { limits: { cpu: 0.5, memory: "1024Mi", pods: "1e3" } } }] },
    };
    const { object } = decodeObject(pods, { value, duplicates: [] }, "Strict");
    expect(object).toMatchObject({
      metadata: { creationTimestamp: "2026-01-01T00:00:00Z" },
      spec: { containers: [{ resources: { limits: { cpu: "500m", memory: "1Gi", pods: "1e3" } } }] },
    });
  });

  it.each([
    ["v1", "configmaps", "data", '{"data":{"__proto__":"x"}}'],
    ["v1", "secrets", "data", '{"data":{"a":"eA==","__proto__":"eA=="}}'],
    ["v1", "pods", "metadata.labels", '{"metadata":{"labels":{"__proto__":"x"}}}'],
    [
      "apps/v1",
      "deployments",
      "spec.template.spec.nodeSelector",
      '{"spec":{"template":{"spec":{"nodeSelector":{"__proto__":"x"}}}}}',
    ],
    [
      "v1",
      "pods",
      "metadata.managedFields[0].fieldsV1",
      '{"metadata":{"managedFields":[{"fieldsV1":{"a":[{"__proto__":{}}]}}]}}',
    ],
  ])(
    "refuses the key __proto__, which would be renamed between actors (%s %s %s)",
    (apiVersion, resource, at, text) => {
      const of = resourceOf(apiVersion, resource);
      const decode = (): unknown => decodeObject(of, parseJson(text, of), "Ignore");
      expect(decode).toThrow(`${at}: Invalid value: "__proto__": inkube can't keep a key of this name`);
    },
  );

  it("refuses it also when a patch brings it", () => {
    const of = servedAs("v1", "configmaps").form;
    const patch = JSON.parse('{"data":{"__proto__":"x"}}') as unknown;
    for (const type of ["application/merge-patch+json", "application/strategic-merge-patch+json"] as const) {
      expect(() => finished(patchObject(type, of, { metadata: { name: "a" } }, patch, "Ignore"))).toThrow(
        "data: Invalid value:",
      );
    }
  });
});

describe("parseJson", () => {
  it.each([
    ['{"a":{"b":[0,9007199254740993]}}', "a.b[1]: Invalid value: 9007199254740993"],
    ['{"a":-9223372036854775807}', "a: Invalid value: -9223372036854775807"],
    ['{"a":9007199254740991,"b":"9007199254740993"}', undefined],
    // As Kubernetes keeps it: a float64.
    ['{"a":12345678901234567890,"b":1.2345678901234567e3,"c":0.12345678901234567}', undefined],
    ['{"9007199254740993":9007199254740992}', undefined],
  ])("refuses whole numbers that would become others: %s", (text, problem) => {
    const found = refusal(() => parseJson(text, pods));
    const message = problem && `${problem}: inkube can't keep a whole number of this size exactly`;
    expect(found).toBe(message ?? "");
  });

  it("finds no duplicates where equal keys are in different objects, or inside strings", () => {
    const text = '{"a":{"b":1},"c":[{"b":2},{"b":3}],"d":"\\"b\\": {\\"b\\":1}","e":"\\\\"}';
    expect(parseJson(text, pods).duplicates).toEqual([]);
  });

  it("finds them in strings of every kind, whatever stands around them", () => {
    const word = fc.constantFrom("a", "b", ":", '"', "\\", '":', "{", "a b", "");
    const value = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        word,
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(word, tie("value")),
      ),
    })).value;
    const spaced = fc.constantFrom(undefined, 1, "\t");
    fc.assert(
      fc.property(fc.dictionary(word, value), spaced, fc.boolean(), (object, indent, before) => {
        const clean = JSON.stringify(object, null, indent);
        const text = before ? clean.replaceAll('": ', '" : ') : clean;
        expect(parseJson(text, pods).duplicates).toEqual([]);
        const doubled = `{"twice":${text}, "twice" :${text}}`;
        expect(parseJson(doubled, pods).duplicates).toEqual(["twice"]);
      }),
    );
  });

  it("refuses values that nest so deep that a walk would take the whole stack", () => {
    const deep = `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    expect(() => parseJson(deep, pods)).toThrow("exceeded max depth");
  });

  it("finds duplicates however their names are written", () => {
    expect(parseJson('{"a":{"bc":1, "b\\u0063" : 2}}', pods).duplicates).toEqual(["a.bc"]);
  });
});

describe("values of several forms", () => {
  const crds = resourceOf("apiextensions.k8s.io/v1", "customresourcedefinitions");
  const decode = (schema: object): unknown => {
    const versions = [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema } }];
    const names = { plural: "a", kind: "A" };
    const value = { metadata: { name: "a.b" }, spec: { group: "b", names, scope: "Cluster", versions } };
    const { object } = decodeObject(crds, { value, duplicates: [] }, "Strict");
    const [version] = (object as unknown as { spec: { versions: { schema: { openAPIV3Schema: unknown } }[] } }).spec
      .versions;
    return version?.schema.openAPIV3Schema;
  };

  it("keep the form that they are given in", () => {
    const schema = {
      type: "object",
      additionalProperties: false,
      items: { type: "string" },
      dependencies: { a: ["b"], c: { type: "object" } },
      default: { any: [1, "2", null] },
    };
    expect(decode(schema)).toEqual(schema);
    expect(decode({ items: [{ type: "string" }], additionalProperties: { type: "integer" } })).toEqual({
      items: [{ type: "string" }],
      additionalProperties: { type: "integer" },
    });
  });

  it("lose unknown fields without a word, and refuse another form", () => {
    expect(decode({ items: { type: "string", madeUp: 1 } })).toEqual({ items: { type: "string" } });
    expect(() => decode({ properties: { a: { madeUp: 1 } } })).toThrow(/unknown field/);
    expect(() => decode({ additionalProperties: 7 })).toThrow(
      /cannot unmarshal number into Go struct field .* of type v1.JSONSchemaPropsOrBool/,
    );
  });
});
