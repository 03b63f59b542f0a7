// Facts about custom resources: what kube-apiserver makes of definitions and of objects of them (`record-custom.mjs`), and what our
// core makes of the same (`test/unit/actors/api-server/custom/`).
//
// A case of `custom/objects-*.yaml`:
//
//   - name: numbers have limits
//     schema: { type: object, properties: { … } }      # openAPIV3Schema of the version v1
//     version: { subresources: { status: {} } }        # what else the version says
//     bodies: [{ spec: { … } }]                        # created, each as a dry run
//     updates: [[{ spec: … }, { spec: … }]]            # the second in place of the first
//
// and of `custom/definitions-*.yaml`:
//
//   - name: a name that does not fit
//     definition: { spec: { … } }                      # laid over a valid definition; null takes away
//     update: { … }                                    # laid over the first, in place of it
//
// Short forms: `expressions`, each of a field of its own whose rule never holds and whose message shows what the expression gives;
// `refused`, each the rule of a field of its own of a definition.
import { readFileSync } from "node:fs";
import { parse } from "yaml";

export const GROUP = "crd-core.example.com";

/** @returns {any[]} */
export function readCases(file) {
  return parse(readFileSync(file, "utf8")).map(longForm);
}

function longForm(one) {
  if (one.expressions !== undefined) {
    const fields = one.expressions.map((text, i) => [`p${i}`, { rule: `[dyn(${text})] == ['never']`, message: text }]);
    const properties = fields.map(([name, rule], i) => {
      const shown = { ...rule, messageExpression: `'%s'.format([${one.expressions[i]}])` };
      return [name, { type: "integer", "x-kubernetes-validations": [shown] }];
    });
    const schema = { type: "object", properties: Object.fromEntries(properties) };
    return { name: one.name, schema, bodies: [Object.fromEntries(fields.map(([name]) => [name, 1]))] };
  }
  if (one.refused === undefined) return one;
  const properties = Object.fromEntries(
    one.refused.map((rule, i) => [`p${i}`, { type: "integer", "x-kubernetes-validations": [{ rule, message: "m" }] }]),
  );
  const schema = { openAPIV3Schema: { type: "object", properties } };
  const versions = [{ name: "v1", served: true, storage: true, schema }];
  return { name: one.name, definition: { spec: { versions } } };
}

export function definitionOf(one, plural) {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: "Namespaced",
      names: { plural, singular: plural.slice(0, -1), kind: "Widget", listKind: "WidgetList" },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: one.schema }, ...one.version }],
      ...one.spec,
    },
  };
}

export function objectOf(body) {
  return { apiVersion: `${GROUP}/v1`, kind: "Widget", ...body, metadata: { name: "a", ...body.metadata } };
}

export function overlay(base, change) {
  if (typeof change !== "object" || change === null || Array.isArray(change)) return change;
  const result = { ...(typeof base === "object" && base !== null && !Array.isArray(base) ? base : {}) };
  for (const [key, value] of Object.entries(change)) {
    if (value === null) delete result[key];
    else result[key] = overlay(result[key], value);
  }
  return result;
}

export const PLAIN = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `gears.${GROUP}` },
  spec: {
    group: GROUP,
    scope: "Namespaced",
    names: { plural: "gears", kind: "Gear" },
    versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
  },
};

/** What counts of an answer: what was refused and why, whatever the order, or what the object is now. */
export function factsOf({ status, body, warnings }) {
  if (status >= 300) {
    const causes = (body.details?.causes ?? []).map(
      ({ reason, message, field }) => `${field}: ${reason}: ${general(message)}`,
    );
    return {
      status,
      ...(causes.length === 0 ? { message: body.message } : { causes: [...new Set(causes)].sort(byText) }),
    };
  }
  const { metadata, ...rest } = body;
  const { annotations, labels, finalizers } = metadata;
  const kept = JSON.parse(
    JSON.stringify({ ...rest, annotations, labels, finalizers, generation: metadata.generation }),
  );
  delete kept.apiVersion;
  delete kept.kind;
  if (body.kind === "CustomResourceDefinition") kept.status = { storedVersions: kept.status.storedVersions };
  return { status, object: kept, ...(warnings.length === 0 ? {} : { warnings: [...warnings].sort(byText) }) };
}

/** Schemas and versions are shown as Go has them, and ours as JSON has them. */
function general(message) {
  return message.replace(
    /Invalid value: (\{"(ID|type|openAPIV3Schema)"|\[\{"[Nn]ame").*\}\]?: (?=[a-z])/s,
    "Invalid value: <object>: ",
  );
}

function byText(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}
