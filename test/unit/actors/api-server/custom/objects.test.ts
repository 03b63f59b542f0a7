/** What kube-apiserver 1.37 made of objects of custom resources (`test/conformance/custom/`), our core makes of them, too. */
import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Served } from "../../../../../actors/api-server/core/catalog/catalog.ts";
import { customServed } from "../../../../../actors/api-server/core/custom/served.ts";
import type { Fields } from "../../../../../actors/api-server/core/kinds/rules.ts";
import { warningsOf } from "../../../../../actors/api-server/core/machinery/warnings.ts";
import { prepareCreate, prepareUpdate } from "../../../../../actors/api-server/core/registry/write.ts";
import { finished } from "../../../../../actors/api-server/core/steps.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import { statusOf } from "../../../../../protocols/api-server.ts";
import type { Case, Fact } from "../../../../conformance/custom-case.mjs";
import { definitionOf, factsOf, objectOf, readCases } from "../../../../conformance/custom-case.mjs";

const folder = new URL("../../../../conformance/custom/", import.meta.url);
const files = readdirSync(folder).flatMap((file) =>
  file.startsWith("objects-") && file.endsWith(".yaml") ? [file.replace(".yaml", "")] : [],
);

describe.each(files)("%s", (file) => {
  const recorded = JSON.parse(readFileSync(new URL(`${file}.json`, folder), "utf8")) as Readonly<
    Record<string, readonly Fact[]>
  >;

  it.each(readCases(new URL(`${file}.yaml`, folder)))("is taken and refused as by kube-apiserver: $name", (one) => {
    const [served] = customServed(definitionOf(one, "cases"));
    if (served === undefined) throw new Error("nothing is served");
    const asked = asksOf(one);
    const facts = recorded[one.name] ?? [];
    expect(facts).toHaveLength(asked.length);
    const different = asked.flatMap((ask, i) => {
      const got = ask.run(served);
      return same(got, facts[i]) ? [] : [{ ...ask.show, got, recorded: facts[i] }];
    });
    if (different.length > 0) throw new Error(different.map((each) => JSON.stringify(each, null, 1)).join("\n"));
  });
});

interface Ask {
  readonly show: object;
  readonly run: (served: Served) => Fact;
}

function asksOf({ bodies = [], updates = [] }: Case): readonly Ask[] {
  return [
    ...bodies.map((body) => ({ show: { body }, run: (served: Served) => answer(() => create(served, body)) })),
    ...updates.map(([before, after]) => ({
      show: { before, after },
      run: (served: Served) => answer(() => update(served, create(served, before).object, after)),
    })),
  ];
}

interface Outcome {
  readonly status: number;
  readonly object: KubernetesObject;
  readonly warnings: readonly string[];
}

const creation = {
  nowMs: 0,
  tolerationSeconds: 300,
  find: () => undefined,
  all: () => [],
  serviceAccounts: false,
  suffix: () => "",
  uid: "u",
  namespace: "crd-core",
};

function create(served: Served, body: object): Outcome {
  const { object, warnings } = served.form.decode({ value: objectOf(body), duplicates: [] }, "Warn");
  const created = finished(prepareCreate(served, object, { ...creation, name: object.metadata?.name ?? "" }));
  return { status: 201, object: created, warnings: [...warnings, ...warningsOf(served.rules, created, undefined)] };
}

function update(served: Served, old: KubernetesObject, after: object & { readonly through?: string }): Outcome {
  const { object, warnings } = served.form.decode({ value: objectOf(after), duplicates: [] }, "Warn");
  const subresource = after.through?.slice(1);
  const updated: Fields = finished(prepareUpdate(served, object, old, subresource));
  const told = subresource === undefined ? warningsOf(served.rules, updated, old) : [];
  return { status: 200, object: updated, warnings: [...warnings, ...told] };
}

function answer(run: () => Outcome): Fact {
  try {
    const { status, object, warnings } = run();
    return factsOf({ status, body: object, warnings });
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined) throw error;
    return factsOf({ status: status.code ?? 0, body: status, warnings: [] });
  }
}

function same(got: Fact, recorded: Fact | undefined): boolean {
  try {
    expect(got).toEqual(recorded);
    return true;
  } catch {
    return false;
  }
}
