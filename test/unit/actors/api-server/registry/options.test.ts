/** The options of requests, at both doors. What Kubernetes says to each was read from kube-apiserver 1.37.1. */
import { describe, expect, it } from "vitest";
import {
  checkDeleteOptions,
  checkListOptions,
  checkWatchOptions,
  checkWriteOptions,
} from "../../../../../actors/api-server/core/rest/options.ts";
import {
  deleteOptions,
  listOptions,
  Query,
  watchOptions,
  writeOptions,
} from "../../../../../actors/api-server/core/rest/query.ts";
import type { ApiRequest, KubernetesObject } from "../../../../../protocols/api-server.ts";
import { statusOf } from "../../../../../protocols/api-server.ts";
import { serversOfTests } from "../harness/test-server.ts";

const start = serversOfTests();
const core = { group: "", version: "v1" };
const pods = { ...core, resource: "pods", namespace: "default" };
const maps = { ...core, resource: "configmaps", namespace: "default" };
const podOf = (name: string): KubernetesObject =>
  ({ metadata: { name }, spec: { containers: [{ name: "a", image: "i" }] } }) as KubernetesObject;

/** `code message`, or the value. */
async function outcome(work: () => unknown): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined) throw error;
    return `${status.code} ${status.message}`;
  }
}

const long = "a".repeat(200);
const invalid = (kind: string, why: string): string => `422 ${kind}.meta.k8s.io "" is invalid: ${why}`;

describe("the options of a query", () => {
  it.each<[string, "CreateOptions" | "UpdateOptions" | "PatchOptions", unknown]>([
    ["", "CreateOptions", { fieldValidation: "Warn" }],
    ["dryRun=All", "UpdateOptions", { fieldValidation: "Warn", dryRun: true }],
    [
      "dryRun=All&dryRun=Foo",
      "CreateOptions",
      invalid("CreateOptions", 'dryRun: Unsupported value: ["All","Foo"]: supported values: "All"'),
    ],
    ["dryRun=", "CreateOptions", invalid("CreateOptions", 'dryRun: Unsupported value: [""]: supported values: "All"')],
    [
      `fieldManager=${long}`,
      "UpdateOptions",
      invalid("UpdateOptions", "fieldManager: Too long: may not be more than 128 bytes"),
    ],
    [
      "fieldManager=a%0Ab",
      "CreateOptions",
      invalid("CreateOptions", 'fieldManager: Invalid value: "a\\nb": invalid character U+000A (at position 1)'),
    ],
    [
      "force=true&dryRun=Foo&fieldValidation=Bar",
      "PatchOptions",
      invalid(
        "PatchOptions",
        '[force: Forbidden: may not be specified for non-apply patch, dryRun: Unsupported value: ["Foo"]: supported values: "All", fieldValidation: Unsupported value: "Bar": supported values: "", "Ignore", "Strict", "Warn"]',
      ),
    ],
  ])("of a write: %s", async (text, kind, expected) => {
    expect(await outcome(() => writeOptions(new Query(text), kind))).toEqual(expected);
  });

  const both = "orphanDependents and deletionPropagation cannot be both set";
  it.each<[string, Record<string, unknown>, unknown]>([
    ["dryRun=All", {}, { dryRun: true }],
    ["dryRun=All", { gracePeriodSeconds: 5 }, { dryRun: true, gracePeriodSeconds: 5 }],
    ["gracePeriodSeconds=3&propagationPolicy=Orphan", {}, { gracePeriodSeconds: 3, propagationPolicy: "Orphan" }],
    ["", { dryRun: ["All"], preconditions: { uid: "u" } }, { dryRun: true, preconditions: { uid: "u" } }],
    ["orphanDependents=true", {}, { propagationPolicy: "Orphan" }],
    ["", { orphanDependents: false }, { propagationPolicy: "Background" }],
    [
      "orphanDependents=true&propagationPolicy=Foreground",
      {},
      invalid("DeleteOptions", `propagationPolicy: Invalid value: "Foreground": ${both}`),
    ],
    [
      "",
      { orphanDependents: true, propagationPolicy: "Foreground" },
      invalid("DeleteOptions", `propagationPolicy: Invalid value: "Foreground": ${both}`),
    ],
    [
      "",
      { propagationPolicy: "" },
      invalid(
        "DeleteOptions",
        'propagationPolicy: Unsupported value: "": supported values: "Foreground", "Background", "Orphan", "nil"',
      ),
    ],
    ["", { dryRun: ["Foo"] }, invalid("DeleteOptions", 'dryRun: Unsupported value: ["Foo"]: supported values: "All"')],
    [
      "",
      { dryRun: "All" },
      "400 json: cannot unmarshal string into Go struct field DeleteOptions.dryRun of type []string",
    ],
    [
      "",
      { gracePeriodSeconds: "abc" },
      "400 json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64",
    ],
    ["gracePeriodSeconds=abc", {}, '400 strconv.ParseInt: parsing "abc": invalid syntax'],
  ])("of a deletion: %s with body %j", async (text, body, expected) => {
    expect(await outcome(() => deleteOptions(new Query(text), body))).toEqual(expected);
  });

  it.each<[string, unknown]>([
    ["limit=-1&timeoutSeconds=-5&foo=bar", {}],
    ["timeoutSeconds=abc", '400 strconv.ParseInt: parsing "abc": invalid syntax'],
    ["timeoutSeconds=1.5", '400 strconv.ParseInt: parsing "1.5": invalid syntax'],
    ["limit=abc", '400 strconv.ParseInt: parsing "abc": invalid syntax'],
    [
      "sendInitialEvents=false",
      invalid("ListOptions", "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"),
    ],
    [
      "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=0",
      invalid("ListOptions", "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"),
    ],
  ])("of a list: %s", async (text, expected) => {
    expect(await outcome(() => listOptions(new Query(text)))).toEqual(expected);
  });

  it.each<[string, unknown]>([
    ["timeoutSeconds=abc", '400 strconv.ParseInt: parsing "abc": invalid syntax'],
    ["limit=2&timeoutSeconds=1", { bookmarks: false, timeoutSeconds: 1 }],
    [
      "resourceVersionMatch=NotOlderThan",
      invalid(
        "ListOptions",
        "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
      ),
    ],
    [
      "sendInitialEvents=true&resourceVersionMatch=Exact",
      invalid(
        "ListOptions",
        '[resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan, resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"]',
      ),
    ],
    [
      "continue=abc",
      invalid(
        "ListOptions",
        "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided",
      ),
    ],
  ])("of a watch: %s", async (text, expected) => {
    expect(await outcome(() => watchOptions(new Query(text)))).toEqual(expected);
  });
});

describe("the options of a message", () => {
  it("are as on the wire, or as its type says", () => {
    expect(checkWriteOptions({ dryRun: ["All"] }, "CreateOptions")).toEqual({ dryRun: true });
    expect(checkWriteOptions({ dryRun: true }, "PatchOptions")).toEqual({ dryRun: true });
    expect(checkDeleteOptions({ dryRun: false })).toEqual({});
    expect(checkDeleteOptions({ dryRun: [] })).toEqual({});
    const preconditions = { uid: "u", resourceVersion: "7" };
    expect(checkDeleteOptions({ preconditions })).toEqual({ preconditions });
    expect(checkListOptions({ limit: 3 })).toEqual({ limit: 3 });
    expect(checkWatchOptions({})).toEqual({ bookmarks: false });
  });

  it("are refused when nobody knows them, or they are of another type, in every verb", async () => {
    const { request } = await start();
    const object = { metadata: { name: "x" } };
    const named = { ...maps, name: "x" };
    const patchType = "application/merge-patch+json";
    const odd = (options: object): readonly object[] => [
      { verb: "create", target: maps, object, options },
      { verb: "update", target: named, object, options },
      { verb: "patch", target: named, patchType, patch: {}, options },
      { verb: "delete", target: named, options },
      { verb: "deletecollection", target: maps, options },
      { verb: "list", target: maps, options },
      { verb: "deletecollection", target: maps, list: options },
    ];
    for (const bad of odd({ dryrun: true })) {
      expect(await outcome(() => request(bad as ApiRequest))).toMatch(/^400 \w+ have no "dryrun"$/);
    }
    for (const bad of odd({ dryRun: "All" }).slice(0, 5)) {
      expect(await outcome(() => request(bad as ApiRequest))).toMatch(/^400 json: cannot unmarshal string into Go/);
    }
  });
});

describe("a dry run", () => {
  it("of an eviction, by the request's option or by those of the deletion, evicts nobody", async () => {
    const { request } = await start();
    await request({ verb: "create", target: pods, object: podOf("p") });
    const target = { ...pods, name: "p", subresource: "eviction" };
    const evict = (body: object, options: object = {}): Promise<unknown> =>
      outcome(() => request({ verb: "create", target, object: { metadata: { name: "p" }, ...body }, options }));
    await evict({ deleteOptions: { dryRun: ["All"] } });
    await evict({}, { dryRun: true });
    expect(await request({ verb: "get", target: { ...pods, name: "p" } })).toMatchObject({ kind: "Pod" });
    expect(await evict({ metadata: { name: "q" } })).toBe("400 name in URL does not match name in Eviction object");
    expect(await evict({ metadata: {} })).toBe("400 name in URL does not match name in Eviction object");
    expect(await evict({ deleteOptions: { propagationPolicy: "Bogus" } })).toContain("propagationPolicy: Unsupported");
    expect(await evict({ deleteOptions: { preconditions: { uid: "a" } } })).toMatch(/^409 .*does not match the UID/);
    await evict({});
    expect(await outcome(() => request({ verb: "get", target: { ...pods, name: "p" } }))).toContain("404");
  });

  it("of each verb leaves everything as it was", async () => {
    const { request } = await start();
    await request({ verb: "create", target: pods, object: podOf("p") });
    await request({ verb: "create", target: maps, object: { metadata: { name: "x" } } });
    const ns = { ...core, resource: "namespaces", name: "default" };
    const named = { ...maps, name: "x" };
    const options = { dryRun: true } as const;
    const binding = { metadata: { name: "p" }, target: { kind: "Node", name: "n" } } as KubernetesObject;
    const emptied = { metadata: { name: "default" }, spec: { finalizers: ["a/b"] } } as KubernetesObject;
    const list = async (): Promise<unknown> => {
      const resources = ["pods", "configmaps", "namespaces"];
      return Promise.all(resources.map((resource) => request({ verb: "list", target: { ...core, resource } })));
    };
    const before = await list();
    const patchType = "application/merge-patch+json";
    const requests: readonly ApiRequest[] = [
      { verb: "create", target: maps, object: { metadata: { name: "y" } }, options },
      { verb: "update", target: named, object: { metadata: { name: "x", labels: { a: "b" } } }, options },
      { verb: "patch", target: named, patchType, patch: { data: { a: "b" } }, options },
      { verb: "delete", target: named, options },
      { verb: "deletecollection", target: maps, options },
      { verb: "create", target: { ...pods, name: "p", subresource: "binding" }, object: binding, options },
      { verb: "update", target: { ...ns, subresource: "finalize" }, object: emptied, options },
    ];
    for (const each of requests) await request(each);
    expect(await list()).toEqual(before);
  });
});

describe("what names an object", () => {
  it("must be in what is put, and be the URL's", async () => {
    const { request } = await start();
    const put = (target: ApiRequest["target"], metadata: object): Promise<unknown> =>
      outcome(() => request({ verb: "update", target, object: { metadata } as KubernetesObject }));
    const missing = (name: string): string =>
      `400 the name of the object (${name} based on URL) was undeterminable: name must be provided`;
    expect(await put({ ...maps, name: "x" }, {})).toBe(missing("x"));
    expect(await put({ ...maps, name: "x" }, { name: "y" })).toBe(
      "400 the name of the object (y) does not match the name on the URL (x)",
    );
    const finalize = { ...core, resource: "namespaces", name: "default", subresource: "finalize" };
    expect(await put(finalize, {})).toBe(missing("default"));
    expect(await put(finalize, { name: "other" })).toBe(
      "400 the name of the object (other) does not match the name on the URL (default)",
    );
  });

  it("is a namespace for what has one, and none for what has not, whatever the verb", async () => {
    const { request, watch } = await start();
    const object = { metadata: { name: "x" } };
    const patchType = "application/merge-patch+json";
    const requests = (target: ApiRequest["target"]): readonly ApiRequest[] => [
      { verb: "get", target },
      { verb: "create", target, object },
      { verb: "update", target, object },
      { verb: "patch", target, patchType, patch: {} },
      { verb: "delete", target },
      { verb: "deletecollection", target },
    ];
    for (const each of requests({ ...core, resource: "configmaps", name: "x" })) {
      expect([each.verb, await outcome(() => request(each))]).toEqual([each.verb, expect.stringMatching(/^40[05] /)]);
    }
    for (const each of requests({ ...core, resource: "nodes", namespace: "default", name: "x" })) {
      expect([each.verb, await outcome(() => request(each))]).toEqual([each.verb, expect.stringMatching(/^404 /)]);
    }
    const watched = await watch({ target: { ...core, resource: "nodes", namespace: "default" } }).ended;
    expect(statusOf(watched)?.code).toBe(404);
    const items = (await request({ verb: "list", target: { ...core, resource: "configmaps" } })) as { items?: unknown };
    expect(items.items).toEqual([]);
  });
});

it("a resourceVersion in a creation is refused by the store, after everything else has been looked at", async () => {
  const { request } = await start();
  const create = (name: string, options: object = {}): Promise<unknown> =>
    outcome(() =>
      request({ verb: "create", target: maps, object: { metadata: { name, resourceVersion: "1" } }, options }),
    );
  expect(await create("rv", { dryRun: true })).toMatchObject({ kind: "ConfigMap" });
  expect(await create("rv_X")).toMatch(/^422 /);
  expect(await create("rv")).toBe("500 resourceVersion should not be set on objects to be created");
});
