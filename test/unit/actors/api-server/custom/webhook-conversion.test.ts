/** A whole server with a webhook that the test answers for: what is asked when, and who waits. */
import { afterEach, describe, expect, it } from "vitest";
import { noDoor } from "../../../../../actors/api-server/backend.ts";
import { plainTokenKeys } from "../../../../../actors/api-server/plain-token-keys.ts";
import type { ApiServerOptions } from "../../../../../actors/api-server/spec.ts";
import type { HttpsCall, OpenHttps } from "../../../../../actors/api-server/outward.ts";
import type { ApiRequest, ApiTarget, KubernetesObject } from "../../../../../protocols/api-server.ts";
import type { AskedReview } from "../../../../conformance/conversion-case.mjs";
import { ANSWERS } from "../../../../conformance/conversion-case.mjs";
import { DEFINITIONS, waitForCondition, waitForDefinition } from "../harness/definitions.ts";
import { FakeEtcd } from "../harness/fake-etcd.ts";
import type { TestServer } from "../harness/test-server.ts";
import { startServer } from "../harness/test-server.ts";

function things(version: string, name?: string): ApiTarget {
  const target = { group: "stable.dev", version, resource: "things", namespace: "default" };
  return name === undefined ? target : { ...target, name };
}

function definition(): KubernetesObject {
  const text = { type: "string" };
  const version = (name: string, storage: boolean, properties: object): object => ({
    name,
    served: true,
    storage,
    schema: { openAPIV3Schema: { type: "object", properties: { spec: { type: "object", properties } } } },
  });
  const clientConfig = { service: { namespace: "default", name: "hook", path: "/convert" } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "things.stable.dev" },
    spec: {
      group: "stable.dev",
      scope: "Namespaced",
      names: { plural: "things", singular: "thing", kind: "Thing", listKind: "ThingList" },
      versions: [version("v1", true, { hostPort: text }), version("v2", false, { host: text, port: text })],
      conversion: { strategy: "Webhook", webhook: { conversionReviewVersions: ["v1"], clientConfig } },
    },
  } as unknown as KubernetesObject;
}

function thing(name: string, hostPort: string, labels: Record<string, string> = {}): KubernetesObject {
  return {
    apiVersion: "stable.dev/v1",
    kind: "Thing",
    metadata: { name, labels },
    spec: { hostPort },
  } as KubernetesObject;
}

/** A webhook whose answers wait until the test lets them go. */
class FakeWebhook {
  readonly calls: HttpsCall[] = [];
  how = "as it should";
  closed = false;
  private held: (() => void)[] | undefined;
  private waiting: { readonly count: number; readonly resolve: () => void } | undefined;

  readonly open: OpenHttps = () => ({
    ask: async (call) => {
      this.calls.push(call);
      if (this.waiting !== undefined && this.calls.length >= this.waiting.count) this.waiting.resolve();
      const { held } = this;
      if (held !== undefined) {
        await new Promise<void>((resolve) => {
          held.push(resolve);
          call.signal?.addEventListener("abort", () => resolve());
        });
      }
      if (call.signal?.aborted === true) return { error: "context canceled" };
      const {
        code = 200,
        type = "application/json",
        body = "",
      } = ANSWERS[this.how]?.(JSON.parse(call.body ?? "") as AskedReview) ?? {};
      return { value: { code, type, body, etag: "" } };
    },
    close: () => {
      this.closed = true;
    },
  });

  hold(): void {
    this.held = [];
  }

  release(): void {
    const { held = [] } = this;
    this.held = undefined;
    for (const go of held) go();
  }

  /** Resolves when it has been called so often. */
  called(count: number): Promise<void> {
    if (this.calls.length >= count) return Promise.resolve();
    return new Promise((resolve) => {
      this.waiting = { count, resolve };
    });
  }

  asked(): readonly (readonly [desired: string, names: readonly unknown[]])[] {
    return this.calls.map(({ body }) => {
      const { request } = JSON.parse(body ?? "") as AskedReview;
      const names = request.objects.map(({ metadata }) => (metadata as { readonly name: string }).name);
      return [request.desiredAPIVersion, names] as const;
    });
  }
}

let server: TestServer;
let webhook: FakeWebhook;

async function start(options: Partial<ApiServerOptions> = {}): Promise<void> {
  webhook = new FakeWebhook();
  server = await startServer(options, noDoor, new FakeEtcd(), plainTokenKeys, { openHttps: webhook.open });
  const spec = { clusterIP: "127.96.0.77", ports: [{ port: 443 }] };
  await server.request({
    verb: "create",
    target: { group: "", version: "v1", resource: "services", namespace: "default" },
    object: { apiVersion: "v1", kind: "Service", metadata: { name: "hook" }, spec } as KubernetesObject,
  });
  await server.request({ verb: "create", target: DEFINITIONS, object: definition() });
  await waitForCondition(server, "things.stable.dev", "Established");
}

afterEach(async () => {
  await server.stop();
  expect(server.crashes).toEqual([]);
  expect(webhook.closed).toBe(true);
});

const create = (object: KubernetesObject): Promise<KubernetesObject> =>
  server.request({ verb: "create", target: things(object.apiVersion?.endsWith("v2") === true ? "v2" : "v1"), object });
const get = (version: string, name: string): Promise<KubernetesObject> =>
  server.request({ verb: "get", target: things(version, name) });
/** A request whose sender may withdraw it. */
function withdrawable(request: ApiRequest): { readonly outcome: Promise<string>; readonly withdraw: () => void } {
  const leaving = new AbortController();
  const message = { from: "cluster", signal: leaving.signal, timeoutMs: 10_000, cause: "", stash: () => undefined };
  const done = Promise.resolve(server.actor.handlers.request(request, message as never));
  const outcome = done.then(
    () => "answered",
    () => "given up",
  );
  return { outcome, withdraw: () => leaving.abort() };
}

const merge = (version: string, name: string, patch: object): Promise<KubernetesObject> =>
  server.request({ verb: "patch", target: things(version, name), patchType: "application/merge-patch+json", patch });

describe("a webhook that converts", () => {
  it("is called at the address of its Service, under its name", async () => {
    await start();
    await create(thing("a", "h:1"));
    expect(webhook.calls).toEqual([]);
    expect(await get("v2", "a")).toMatchObject({ apiVersion: "stable.dev/v2", spec: { host: "h", port: "1" } });
    expect(webhook.calls).toMatchObject([
      {
        peer: { host: "127.96.0.77", port: 443, serverName: "hook.default.svc" },
        headers: { host: "hook.default.svc:443" },
        path: "/convert?timeout=10s",
      },
    ]);
  });

  it("is waited for no longer than any webhook, and told so", async () => {
    await start({ webhookTimeoutMs: 2_000 });
    await create(thing("a", "h:1"));
    await get("v2", "a");
    expect(webhook.calls).toMatchObject([{ path: "/convert?timeout=2s", timeoutMs: 2_000 }]);
  });

  it.each<[what: string, options: Partial<ApiServerOptions>, names: readonly (readonly string[])[]]>([
    ["so many", { conversionBatch: 2 }, [["a", "b"], ["c"]]],
    ["so many bytes", { conversionBatchBytes: 1 }, [["a"], ["b"], ["c"]]],
  ])("is asked for %s at once at most", async (_what, options, names) => {
    await start(options);
    for (const name of ["a", "b", "c"]) await create(thing(name, "h:1"));
    const found = await server.request({ verb: "list", target: things("v2") });
    expect(found).toMatchObject({ items: [{ spec: { port: "1" } }, { spec: { port: "1" } }, { spec: { port: "1" } }] });
    expect(webhook.asked()).toEqual(names.map((batch) => ["stable.dev/v2", batch]));
  });

  it("is asked for a revision again when it could not say before", async () => {
    await start();
    await create(thing("a", "h:1"));
    webhook.how = "a failure with a message";
    await expect(get("v2", "a")).rejects.toThrow("hostPort has no port");
    webhook.how = "as it should";
    expect(await get("v2", "a")).toMatchObject({ spec: { port: "1" } });
  });

  it("is asked once for a revision, however many read it", async () => {
    await start();
    await create(thing("a", "h:1"));
    webhook.hold();
    const readers = [get("v2", "a"), get("v2", "a"), server.request({ verb: "list", target: things("v2") })];
    await webhook.called(1);
    webhook.release();
    await Promise.all(readers);
    await get("v2", "a");
    expect(webhook.calls).toHaveLength(1);
    await merge("v1", "a", { spec: { hostPort: "h:2" } });
    expect(await get("v2", "a")).toMatchObject({ spec: { port: "2" } });
    expect(webhook.calls).toHaveLength(2);
  });

  it("is asked for a page of a list at once, and not for what is selected by its name", async () => {
    await start();
    for (const name of ["a", "b", "c"]) await create(thing(name, "h:1", { on: name }));
    await server.request({ verb: "list", target: things("v2"), options: { fieldSelector: "metadata.name=b" } });
    await server.request({ verb: "list", target: things("v2"), options: { limit: 2 } });
    expect(webhook.asked()).toEqual([
      ["stable.dev/v2", ["b"]],
      ["stable.dev/v2", ["a"]],
    ]);
    const found = await server.request({
      verb: "list",
      target: things("v2"),
      options: { labelSelector: "on in (a,c)", limit: 1 },
    });
    expect(found).toMatchObject({ items: [{ metadata: { name: "a" } }] });
    const next = (found.metadata as { readonly continue?: string }).continue ?? "";
    const rest = await server.request({
      verb: "list",
      target: things("v2"),
      options: { labelSelector: "on in (a,c)", limit: 1, continue: next },
    });
    expect(rest).toMatchObject({ items: [{ metadata: { name: "c" } }] });
  });

  it("holds nobody's turn: who writes in the stored version meanwhile is not kept waiting, and the round begins again", async () => {
    await start();
    await create(thing("a", "h:1"));
    webhook.hold();
    const slow = merge("v2", "a", { spec: { port: "9" } });
    await webhook.called(1);
    await merge("v1", "a", { spec: { hostPort: "other:1" } });
    webhook.release();
    expect(await slow).toMatchObject({ spec: { host: "other", port: "9" } });
    expect(await get("v1", "a")).toMatchObject({ spec: { hostPort: "other:9" } });
  });

  it("is not waited for by who has gone, and its call ends with the last of them", async () => {
    await start();
    await create(thing("a", "h:1"));
    webhook.hold();
    const read: ApiRequest = { verb: "get", target: things("v2", "a") };
    const [one, other] = [withdrawable(read), withdrawable(read)];
    await webhook.called(1);
    // What was asked before this waits by now.
    await get("v1", "a");
    one.withdraw();
    expect(await one.outcome).toBe("given up");
    expect(webhook.calls[0]?.signal?.aborted).toBe(false);
    other.withdraw();
    expect(await other.outcome).toBe("given up");
    expect(webhook.calls[0]?.signal?.aborted).toBe(true);
    // Who comes now does not wait for what was given up.
    const late = get("v2", "a");
    await webhook.called(2);
    webhook.release();
    expect(await late).toMatchObject({ spec: { host: "h" } });
    expect(webhook.calls[1]?.signal?.aborted).toBe(false);
  });

  it("answers who stays, though who asked first has gone", async () => {
    await start();
    await create(thing("a", "h:1"));
    webhook.hold();
    const first = withdrawable({ verb: "list", target: things("v2") });
    await webhook.called(1);
    const second = get("v2", "a");
    await get("v1", "a");
    first.withdraw();
    expect(await first.outcome).toBe("given up");
    webhook.release();
    expect(await second).toMatchObject({ spec: { host: "h" } });
    expect(webhook.calls).toHaveLength(1);
  });

  it("is asked no more for a write whose sender has gone, and nothing is written", async () => {
    await start();
    await create(thing("a", "h:1"));
    webhook.hold();
    const patch = { spec: { port: "9" } };
    const target = things("v2", "a");
    const write = withdrawable({ verb: "patch", target, patchType: "application/merge-patch+json", patch });
    await webhook.called(1);
    write.withdraw();
    expect(await write.outcome).toBe("given up");
    expect(webhook.calls[0]?.signal?.aborted).toBe(true);
    webhook.release();
    expect(await get("v1", "a")).toMatchObject({ spec: { hostPort: "h:1" } });
  });

  it("may fail without anybody else paying for it", async () => {
    await start();
    await create(thing("a", "h:1"));
    webhook.how = "a failure with a message";
    const failed = "conversion webhook for stable.dev/v1, Kind=Thing failed: hostPort has no port";
    await expect(get("v2", "a")).rejects.toThrow(failed);
    await expect(merge("v2", "a", {})).rejects.toThrow(failed);
    expect(await merge("v1", "a", { spec: { hostPort: "h:2" } })).toMatchObject({ spec: { hostPort: "h:2" } });
    webhook.how = "as it should";
    expect(await get("v2", "a")).toMatchObject({ spec: { port: "2" } });
  });

  it("converts the events of a watch in their order, and by what the watch selects in its version", async () => {
    await start();
    await create(thing("a", "h:1", { on: "yes" }));
    await create(thing("b", "h:1"));
    const watch = server.watch({ target: things("v2"), resourceVersion: "", labelSelector: "on=yes" });
    await watch.until(1);
    webhook.hold();
    const before = webhook.calls.length;
    await merge("v1", "a", { spec: { hostPort: "h:2" } });
    await webhook.called(before + 1);
    await merge("v1", "a", { metadata: { labels: { on: "no" } } });
    await merge("v1", "b", { metadata: { labels: { on: "yes" } } });
    await server.request({ verb: "delete", target: things("v1", "b") });
    webhook.release();
    const events = await watch.until(6);
    expect(events.filter(({ type }) => type !== "BOOKMARK").map(({ type, object }) => [type, object])).toMatchObject([
      ["ADDED", { metadata: { name: "a" }, spec: { port: "1" } }],
      ["MODIFIED", { metadata: { name: "a" }, spec: { port: "2" } }],
      ["DELETED", { metadata: { name: "a" } }],
      ["ADDED", { metadata: { name: "b" } }],
      ["DELETED", { metadata: { name: "b" } }],
    ]);
    expect(events.every(({ object }) => object.apiVersion === "stable.dev/v2")).toBe(true);
    watch.cancel();
  });

  it("ends a watch whose events wait for it in a number that has no end", async () => {
    await start({ historyMax: 3 });
    await create(thing("a", "h:1"));
    const watch = server.watch({ target: things("v2"), resourceVersion: "" });
    await watch.until(1);
    webhook.hold();
    for (let port = 2; port < 7; port++) await merge("v1", "a", { spec: { hostPort: `h:${port}` } });
    expect((await watch.ended)?.message).toContain("the webhook that converts is slower than the objects change");
    webhook.release();
    expect(watch.events.filter(({ type }) => type !== "BOOKMARK")).toHaveLength(1);
  });

  it("ends a watch that it can't convert for, with the reason", async () => {
    await start();
    await create(thing("a", "h:1"));
    const watch = server.watch({ target: things("v2"), resourceVersion: "" });
    await watch.until(1);
    webhook.how = "a failure with a message";
    await merge("v1", "a", { spec: { hostPort: "h:2" } });
    expect((await watch.ended)?.message).toContain("hostPort has no port");
    const other = server.watch({ target: things("v2"), resourceVersion: "" });
    expect((await other.ended)?.message).toContain("hostPort has no port");
  });

  it("keeps a definition whose objects it can't convert from its end, which tells so", async () => {
    await start();
    await create(thing("a", "h:1"));
    const target = { ...DEFINITIONS, name: "things.stable.dev" };
    await server.request({
      verb: "patch",
      target,
      patchType: "application/json-patch+json",
      patch: [
        { op: "replace", path: "/spec/versions/0/storage", value: false },
        { op: "replace", path: "/spec/versions/1/storage", value: true },
      ],
    });
    webhook.how = "a failure with a message";
    await server.request({ verb: "delete", target });
    const failed = await waitForDefinition(
      server,
      "things.stable.dev",
      (found) => found?.status?.conditions?.some(({ reason }) => reason === "InstanceDeletionFailed") === true,
    );
    const condition = failed?.status?.conditions?.find(({ type }) => type === "Terminating");
    expect(condition).toMatchObject({
      status: "True",
      message: expect.stringMatching(/^could not list instances: .*no port/),
    });
  });
});
