import fc from "fast-check";
import { describe, it } from "vitest";
import { customServed } from "../../../../../actors/api-server/core/custom/served.ts";
import { applyConfiguration } from "../../../../../actors/api-server/core/managed-fields/field-manager.ts";
import { readConfiguration } from "../../../../../actors/api-server/core/managed-fields/configuration.ts";
import { parsePatch, patchObject } from "../../../../../actors/api-server/core/machinery/patch/apply-patch.ts";
import { fieldWriteOf } from "../../../../../actors/api-server/core/registry/field-writes.ts";
import { KnownConversions } from "../../../../../actors/api-server/core/webhooks/conversion.ts";
import { checkDeleteOptions, checkWriteOptions } from "../../../../../actors/api-server/core/rest/options.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import { catalog, servedAs } from "../harness/catalog.ts";
import { definitionOf } from "../harness/definitions.ts";
import { allowed, expectPlain, hostileJson, hostileText, objectOf, RUNS } from "./hostile.ts";
import { finished } from "../../../../../actors/api-server/core/steps.ts";

const deployments = servedAs("apps/v1", "deployments");
const definition = definitionOf("widgets");
const [widgets = deployments] = customServed(definition);
const withWidgets = catalog.with("widgets.shop.example.com", [widgets]);

const container = {
  name: "web",
  image: "nginx",
  ports: [{ containerPort: 80, protocol: "TCP" }],
  env: [{ name: "A" }],
};
const labels = { app: "web" };
const spec = {
  replicas: 1,
  selector: { matchLabels: labels },
  template: { metadata: { labels }, spec: { containers: [container] } },
};
const live = (apiVersion: string, kind: string): KubernetesObject =>
  ({ apiVersion, kind, metadata: { name: "web", namespace: "default", labels }, spec }) as KubernetesObject;

const NAMES = [
  "metadata",
  "labels",
  "spec",
  "template",
  "containers",
  "name",
  "image",
  "ports",
  "containerPort",
  "env",
  "replicas",
  "finalizers",
];
const DIRECTIVES = [
  "$patch",
  "$retainKeys",
  "$deleteFromPrimitiveList/finalizers",
  "$setElementOrder/containers",
  "$setElementOrder/ports",
];
const POINTERS = [
  "",
  "/",
  "/metadata",
  "/spec/template/spec/containers",
  "/0",
  "/-",
  "/~1",
  "/~",
  "/__proto__",
  "/constructor/prototype",
  "/1e1",
  "/name",
];

const operation = fc
  .tuple(
    fc.constantFrom("add", "remove", "replace", "move", "copy", "test", "other"),
    fc.array(fc.constantFrom(...POINTERS), { maxLength: 3 }).map((parts) => parts.join("")),
    fc.array(fc.constantFrom(...POINTERS), { maxLength: 2 }).map((parts) => parts.join("")),
    hostileJson(NAMES),
  )
  .map(([op, path, from, value]) =>
    objectOf([
      ["op", op],
      ["path", path],
      ["from", from],
      ["value", value],
    ]),
  );

describe("a patch of any shape", () => {
  it("makes an object, or is refused: JSON", () => {
    const patch = fc.oneof(fc.array(operation, { maxLength: 4 }), hostileJson(["op", "path", "value", "from"]));
    fc.assert(
      fc.property(patch, (value) => {
        const made = allowed(() =>
          finished(
            patchObject(
              "application/json-patch+json",
              deployments.form,
              live("apps/v1", "Deployment"),
              value,
              "Strict",
            ),
          ),
        );
        expectPlain(made?.object);
      }),
      RUNS,
    );
  });

  it("makes an object, or is refused: merge, and strategic merge with its directives", () => {
    const patch = hostileJson([...NAMES, ...DIRECTIVES]);
    const types = ["application/merge-patch+json", "application/strategic-merge-patch+json"] as const;
    fc.assert(
      fc.property(fc.constantFrom(...types), patch, (type, value) => {
        for (const served of [deployments, widgets]) {
          const { apiVersion, kind } = served.info;
          const made = allowed(() => finished(patchObject(type, served.form, live(apiVersion, kind), value, "Warn")));
          expectPlain(made?.object);
        }
      }),
      RUNS,
    );
  });

  it("makes an object, or is refused: apply, to what is there and to what is not", () => {
    fc.assert(
      fc.property(hostileJson(NAMES), hostileJson(NAMES), fc.boolean(), (first, second, force) => {
        for (const served of [deployments, widgets]) {
          const { apiVersion, kind } = served.info;
          let present: KubernetesObject | undefined;
          for (const [manager, value] of [
            ["a", first],
            ["b", second],
            ["a", second],
          ] as const) {
            const head = { apiVersion, kind, metadata: { name: "web" } };
            const given = {
              ...head,
              spec: value,
              ...(typeof value === "object" && !Array.isArray(value) ? value : {}),
              ...{ apiVersion, kind },
            };
            const applied = allowed(() => {
              const configuration = readConfiguration(served.form, {
                value: JSON.parse(JSON.stringify(given)),
                duplicates: [],
              });
              const write = fieldWriteOf(withWidgets, served, undefined, manager, 0, new KnownConversions());
              return finished(applyConfiguration(write, present, configuration, force));
            });
            if (applied === undefined) continue;
            expectPlain(applied.object);
            const decoded = allowed(
              () => served.form.decode({ value: applied.object, duplicates: [] }, "Ignore").object,
            );
            if (decoded === undefined) continue;
            present = {
              ...decoded,
              metadata: {
                ...decoded.metadata,
                ...(applied.managedFields === undefined ? {} : { managedFields: applied.managedFields }),
              },
            };
          }
        }
      }),
      RUNS,
    );
  });

  it("that is any text is JSON, or refused", () => {
    fc.assert(
      fc.property(
        hostileText(["{", "}", "[", "]", ":", ",", '"', "null"]),
        (text) => void allowed(() => parsePatch(text)),
      ),
      RUNS,
    );
  });
});

it("options of any shape are such, or refused", () => {
  const names = [
    "dryRun",
    "fieldManager",
    "force",
    "fieldValidation",
    "preconditions",
    "uid",
    "propagationPolicy",
    "gracePeriodSeconds",
    "orphanDependents",
  ];
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...names), hostileJson(names))).map(objectOf), (given) => {
      allowed(() => checkWriteOptions(given as Record<string, unknown>, "PatchOptions", true));
      allowed(() => checkDeleteOptions(given as Record<string, unknown>));
    }),
    RUNS,
  );
});
