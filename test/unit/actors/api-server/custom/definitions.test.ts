/** What kube-apiserver 1.37 made of CustomResourceDefinitions (`test/conformance/custom/`), ours makes of them, too. */
import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Catalog } from "../../../../../actors/api-server/core/catalog/catalog.ts";
import { statusOf as conditionsOf } from "../../../../../actors/api-server/core/custom/conditions.ts";
import { warningsOf } from "../../../../../actors/api-server/core/machinery/warnings.ts";
import { prepareCreate, prepareUpdate } from "../../../../../actors/api-server/core/registry/write.ts";
import { finished } from "../../../../../actors/api-server/core/steps.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import { statusOf } from "../../../../../protocols/api-server.ts";
import type { CustomResourceDefinition } from "../../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { Case, Fact } from "../../../../conformance/custom-case.mjs";
import { PLAIN, factsOf, overlay, readCases } from "../../../../conformance/custom-case.mjs";
import { creationOf } from "../harness/creation.ts";

const folder = new URL("../../../../conformance/custom/", import.meta.url);
const files = readdirSync(folder).flatMap((file) =>
  file.startsWith("definitions-") && file.endsWith(".yaml") ? [file.replace(".yaml", "")] : [],
);
const served = Catalog.builtIn().required("apiextensions.k8s.io", "v1", "customresourcedefinitions");

describe.each(files)("%s", (file) => {
  const recorded = JSON.parse(readFileSync(new URL(`${file}.json`, folder), "utf8")) as Readonly<
    Record<string, readonly Fact[]>
  >;

  it.each(readCases(new URL(`${file}.yaml`, folder)))("is taken and refused as by kube-apiserver: $name", (one) => {
    expect(answer(one)).toEqual(recorded[one.name]?.[0]);
  });
});

function answer({ definition, update }: Case): Fact {
  const first = overlay(PLAIN, definition);
  try {
    const created = create(first);
    if (update === undefined) return factsOf({ status: 201, body: created, warnings: told(created, undefined) });
    const crd = created as unknown as CustomResourceDefinition;
    const old = { ...crd, status: conditionsOf(crd, () => false, 0) } as unknown as KubernetesObject;
    const next = finished(prepareUpdate(served, decode(overlay(first, update)), old, undefined));
    return factsOf({ status: 200, body: next, warnings: told(next, old) });
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined) throw error;
    return factsOf({ status: status.code ?? 0, body: status, warnings: [] });
  }
}

function told(object: KubernetesObject, old: KubernetesObject | undefined): readonly string[] {
  // What inkube does not honour only inkube tells.
  return warningsOf(served.rules, object, old).filter((warning) => !warning.includes("inkube"));
}

function decode(crd: CustomResourceDefinition): KubernetesObject {
  return served.form.decode({ value: crd, duplicates: [] }, "Warn").object;
}

function create(crd: CustomResourceDefinition): KubernetesObject {
  const object = decode(crd);
  return finished(prepareCreate(served, object, creationOf(served, object, { serviceAccounts: true, uid: "u" })));
}
