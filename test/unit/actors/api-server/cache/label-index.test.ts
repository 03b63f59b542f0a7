import fc from "fast-check";
import { expect, it } from "vitest";
import { listPage } from "../../../../../actors/api-server/core/cache/list.ts";
import { ResourceCache } from "../../../../../actors/api-server/core/cache/resource-cache.ts";
import { compileSelection } from "../../../../../actors/api-server/core/machinery/selectors.ts";
import { resourceOf } from "../machinery/oracle-fixture.ts";

const info = resourceOf("v1", "configmaps");
const encoder = new TextEncoder();

type Change = { readonly key: string; readonly labels: Readonly<Record<string, string>> | undefined };

/** Few keys, labels and values, so that they meet; undefined labels are a deletion. */
const change: fc.Arbitrary<Change> = fc.record({
  key: fc.constantFrom("a/x", "a/y", "a/z", "b/x", "b/y", "c/x"),
  labels: fc.option(fc.dictionary(fc.constantFrom("app", "tier"), fc.constantFrom("1", "2", "")), { nil: undefined }),
});
const selector = fc.constantFrom(
  ...[
    "app=1",
    "app in (1,2)",
    "app",
    "app=1,tier=2",
    "tier=none",
    "app!=1",
    "!app",
    "app notin (1),tier",
    "app=",
    "app=1,app=2",
  ],
);
const namespace = fc.constantFrom(undefined, "a", "b");

it("a list by labels finds what a look at each object finds, whenever it was indexed and whatever came and went", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(change, fc.record({ selector, namespace, limit: fc.constantFrom(0, 1, 2) })), {
        maxLength: 40,
      }),
      (steps) => {
        const cache = new ResourceCache(info, undefined, {
          historyMax: 10,
          historyMin: 1,
          historyAgeMs: 1_000,
          historyBytes: 100_000,
        });
        for (const [index, step] of steps.entries()) {
          const revision = index + 2;
          if ("key" in step) {
            const [within = "", name = ""] = step.key.split("/");
            const object = { metadata: { name, namespace: within, labels: step.labels } };
            if (step.labels === undefined) cache.remove(step.key, revision, undefined, 0);
            else cache.put(step.key, revision, encoder.encode(JSON.stringify(object)), undefined, 0);
            continue;
          }
          const { labels, ...plain } = compileSelection(info, step.selector, undefined);
          const pages = (selection: typeof plain): readonly string[] => {
            const found: string[] = [];
            let start: string | undefined;
            do {
              const page = listPage(cache, revision, { namespace: step.namespace, selection }, step.limit, start);
              found.push(...page.items.map((item) => item.key));
              start = page.next;
            } while (start !== undefined);
            return found;
          };
          expect(labels).toBeDefined();
          expect(pages({ ...plain, labels } as typeof plain)).toEqual(pages(plain));
        }
      },
    ),
  );
});

it("a full page of what labels select goes on where anything is behind it in its namespace, indexed or not", () => {
  for (const others of [0, 20]) {
    const cache = new ResourceCache(info, undefined, {
      historyMin: 1,
      historyMax: 10,
      historyAgeMs: 1_000,
      historyBytes: 1_000_000,
    });
    cache.reset(1);
    const put = (key: string, labels: object): void => {
      const [namespaceOf, name] = key.split("/");
      const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: namespaceOf, labels } };
      cache.load(key, 1, encoder.encode(JSON.stringify(object)));
    };
    for (const key of ["a/1", "a/2"]) put(key, { app: "1" });
    put("a/3", {});
    for (let i = 0; i < others; i++) put(`b/${i}`, {});
    const selection = compileSelection(info, "app=1", undefined);
    const next = (within: string | undefined, start?: string): string | undefined =>
      listPage(cache, 1, { namespace: within, selection }, 2, start).next;
    expect(next("a")).toBe("a/3");
    expect(next("a", "a/3")).toBeUndefined();
    cache.remove("a/3", 2, undefined, 0);
    expect(next("a")).toBeUndefined();
    expect(next(undefined)).toBe(others === 0 ? undefined : "b/0");
  }
});
