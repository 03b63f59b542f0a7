/** CustomResourceDefinitions of any shape, and objects of any shape under those that are taken. */
import fc from "fast-check";
import { it } from "vitest";
import { customServed } from "../../../../../actors/api-server/core/custom/served.ts";
import { openApiDocument } from "../../../../../actors/api-server/core/machinery/openapi.ts";
import { openApiV2Part } from "../../../../../actors/api-server/core/machinery/openapi-v2.ts";
import { ProtobufWriter } from "../../../../../actors/api-server/core/machinery/protobuf-writer.ts";
import { toTable } from "../../../../../actors/api-server/core/machinery/table.ts";
import { warningsOf } from "../../../../../actors/api-server/core/machinery/warnings.ts";
import { prepareCreate } from "../../../../../actors/api-server/core/registry/write.ts";
import type { Served } from "../../../../../actors/api-server/core/catalog/catalog.ts";
import { finished } from "../../../../../actors/api-server/core/steps.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import type { CustomResourceDefinition } from "../../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import { catalog, servedAs } from "../harness/catalog.ts";
import { creationOf } from "../harness/creation.ts";
import { definitionOf } from "../harness/definitions.ts";
import { allowed, expectPlain, FEW_RUNS, hostileJson, hostileText, objectOf, RUNS } from "./hostile.ts";

const definitions = servedAs("apiextensions.k8s.io/v1", "customresourcedefinitions");

function prepared(served: Served, object: KubernetesObject): KubernetesObject | undefined {
  return allowed(() => {
    const decoded = served.form.decode({ value: JSON.parse(JSON.stringify(object)) as object, duplicates: [] }, "Warn");
    const made = finished(prepareCreate(served, decoded.object, creationOf(served, decoded.object)));
    warningsOf(served.rules, made, undefined);
    expectPlain(made);
    return made;
  });
}

/** Schemas that are taken more often than not: of a type, with what belongs to it, and sometimes with something odd. */
const { schema } = fc.letrec((tie) => ({
  schema: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(
      { type: "string" },
      { type: "integer" },
      { type: "boolean" },
      { type: "string", format: "date" },
      { "x-kubernetes-int-or-string": true },
      { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    ),
    fc
      .tuple(
        fc.constantFrom("pattern", "format", "default", "maxLength", "enum", "x-kubernetes-validations"),
        hostileJson(["rule", "message", "reason", "fieldPath"]),
      )
      .map(([key, value]) => ({ type: "string", [key]: value })),
    hostileText(["self", ".", "size()", "==", "oldSelf", "(", ")", "'a'", "[0]", " in "]).map((rule) => ({
      type: "object",
      properties: { a: { type: "string" } },
      "x-kubernetes-validations": [{ rule }],
    })),
    tie("schema").map((items) => ({ type: "array", items })),
    tie("schema").map((additionalProperties) => ({ type: "object", additionalProperties })),
    fc
      .array(fc.tuple(fc.constantFrom("a", "b", "metadata", "spec", "__proto__", "constructor"), tie("schema")), {
        maxLength: 3,
      })
      .map((entries) => ({ type: "object", properties: objectOf(entries) })),
    hostileJson([
      "type",
      "properties",
      "items",
      "default",
      "enum",
      "pattern",
      "allOf",
      "not",
      "x-kubernetes-list-type",
      "x-kubernetes-embedded-resource",
      "nullable",
      "required",
    ]),
  ),
}));

it("a definition of any shape is taken or refused; what is taken is served, shown and described", () => {
  const columns = fc.array(
    hostileText([".", "spec", "a", "[", "]", "*", "?(@", ")"]).map((jsonPath) => ({
      name: "A",
      type: "string",
      jsonPath,
    })),
    { maxLength: 2 },
  );
  const objects = hostileJson(["spec", "a", "b", "metadata", "apiVersion", "kind", "status"]);
  fc.assert(
    fc.property(schema, columns, objects, (spec, additionalPrinterColumns, value) => {
      const openAPIV3Schema = { type: "object", properties: { spec } };
      const [version] = definitionOf("widgets").spec.versions;
      const versions = [{ ...version, schema: { openAPIV3Schema }, additionalPrinterColumns }];
      const crd = definitionOf("widgets", undefined, undefined, { versions } as Partial<
        CustomResourceDefinition["spec"]
      >);
      const made = prepared(definitions, crd as unknown as KubernetesObject);
      if (made === undefined) return;
      const [served] = customServed(made as unknown as CustomResourceDefinition);
      if (served === undefined) return;
      const { group, version: name, apiVersion, kind } = served.info;
      const of = { version: name, resources: [served] };
      JSON.stringify(openApiDocument(group, of));
      finished(openApiV2Part({ name: group, versions: [of] }, new ProtobufWriter(), new Map()));
      const whole = typeof value === "object" && value !== null && !Array.isArray(value) ? value : { spec: value };
      for (const given of [whole, { spec: value }, { spec: { a: value } }]) {
        const object = prepared(served, { metadata: { name: "a" }, ...given, apiVersion, kind } as KubernetesObject);
        if (object !== undefined)
          JSON.stringify(toTable(served, [object], {}, { includeObject: "Object", nowMs: 0, columns: true }));
      }
    }),
    RUNS,
  );
});

it("a definition of which any part is another value is taken or refused", () => {
  const parts = [
    "spec",
    "names",
    "versions",
    "conversion",
    "group",
    "scope",
    "plural",
    "kind",
    "subresources",
    "scale",
    "selectableFields",
  ];
  fc.assert(
    fc.property(fc.constantFrom(...parts), hostileJson(parts), (part, value) => {
      const whole = JSON.parse(JSON.stringify(definitionOf("widgets")), (key, old: unknown) =>
        key === part ? value : old,
      ) as KubernetesObject;
      const made = prepared(definitions, whole);
      if (made !== undefined)
        for (const served of customServed(made as unknown as CustomResourceDefinition)) catalog.with("a", [served]);
    }),
    FEW_RUNS,
  );
});
