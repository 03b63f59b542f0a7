/** What an API server passes on to a server behind an APIService; with real sockets, in front of the fake etcd. */
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { describe, expect, it, vi } from "vitest";
import { UnderWay } from "../../../../../actors/api-server/core/rest/under-way.ts";
import { makeAuthority } from "../../../../../actors/cluster/io/certificates.ts";
import type { Got } from "../harness/passing.ts";
import {
  apiService,
  becomes,
  close,
  extension,
  passingOfTests,
  service,
  SERVICE,
  SERVICES,
  slice,
  SLICES,
} from "../harness/passing.ts";

const { api, listening, later } = passingOfTests();

describe("an APIService with a Service behind it", () => {
  it("says why it can't be reached, step by step, and answers 503 meanwhile", async () => {
    const of = await api();
    await of.object("/apis/apiregistration.k8s.io/v1/apiservices", apiService());
    await becomes(of, /^ServiceNotFound: service\/ext in "default" is not present$/);
    const away = await of.call("GET", "/apis/ext.example.com/v1/things");
    expect([away.status, away.text]).toEqual([503, "service unavailable\n"]);
    await of.object(SERVICES, service);
    await becomes(of, /^EndpointsNotFound: cannot find endpointslices for service\/ext in "default"$/);
    await of.object(SLICES, { ...slice(1), endpoints: [] });
    await becomes(
      of,
      /^MissingEndpoints: endpointslices for service\/ext in "default" have no addresses with port name "https"$/,
    );
    const body = JSON.stringify({ endpoints: [{ addresses: ["127.0.0.1"] }] });
    await of.call("PATCH", `${SLICES}/ext-1`, { body, type: "application/merge-patch+json" });
    await becomes(
      of,
      /^FailedDiscoveryCheck: failing or missing response from https:\/\/127\.0\.0\.1:1\/apis\/ext\.example\.com\/v1: /,
    );
  });

  it("is told of as stale until it has told what it serves, then whole", async () => {
    const of = await api();
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    const found = async (): Promise<unknown> => {
      const { text } = await of.call("GET", "/apis", { headers: { accept } });
      const { items } = JSON.parse(text) as { items: { metadata: { name: string }; versions: unknown }[] };
      return items.at(-1)?.metadata.name === "ext.example.com" ? items.at(-1)?.versions : undefined;
    };
    await of.object("/apis/apiregistration.k8s.io/v1/apiservices", apiService());
    await becomes(of, /^ServiceNotFound/);
    expect(await found()).toEqual([{ version: "v1", freshness: "Stale" }]);
    await of.object(SERVICES, service);
    await of.object(SLICES, slice(await listening(extension())));
    await becomes(of, /^Passed: all checks passed$/);
    const thing = {
      resource: "things",
      responseKind: { group: "ext.example.com", version: "v1", kind: "Thing" },
      scope: "Cluster",
      singularResource: "thing",
      verbs: ["get", "list"],
    };
    expect(await found()).toEqual([{ version: "v1", resources: [thing], freshness: "Current" }]);
    const group = await of.call("GET", "/apis/ext.example.com");
    expect(JSON.parse(group.text)).toMatchObject({ name: "ext.example.com", preferredVersion: { version: "v1" } });
    const index = JSON.parse((await of.call("GET", "/openapi/v3")).text) as { paths: Record<string, unknown> };
    expect(index.paths["apis/ext.example.com/v1"]).toEqual({
      serverRelativeURL: "/openapi/v3/apis/ext.example.com/v1?hash=1",
    });
    expect((await of.call("GET", "/openapi/v3/apis/ext.example.com/v1?hash=1")).text).toBe('{"openapi":"3.0.0"}');
  });

  it("makes another index of documents, which who has the one before gets", async () => {
    const of = await api();
    const before = await of.call("GET", "/openapi/v3");
    const headers = { "if-modified-since": String(before.headers["last-modified"]) };
    const asked = (): Promise<Got> => of.call("GET", "/openapi/v3", { headers });
    expect((await asked()).status).toBe(304);
    const realNow = Date.now;
    // The header tells seconds.
    const now = vi.spyOn(Date, "now").mockImplementation(() => realNow() + 2_000);
    later(() => now.mockRestore());
    await of.object(SERVICES, service);
    await of.object(SLICES, slice(await listening(extension())));
    await of.object("/apis/apiregistration.k8s.io/v1/apiservices", apiService());
    await becomes(of, /^Passed/);
    const { status, text } = await asked();
    expect([status, text.includes("apis/ext.example.com/v1")]).toEqual([200, true]);
  });

  it("is in the OpenAPI v2 of all, which asks it when somebody asks, and no more than once a minute", async () => {
    const of = await api();
    const asked: IncomingMessage[] = [];
    const times = (): number => asked.filter(({ url }) => url === "/openapi/v2").length;
    const before = await of.call("GET", "/openapi/v2");
    await of.object(SERVICES, service);
    await of.object(SLICES, slice(await listening(extension(asked))));
    await of.object("/apis/apiregistration.k8s.io/v1/apiservices", apiService());
    await becomes(of, /^Passed/);
    expect(times()).toBe(0);
    const both = await Promise.all([of.call("GET", "/openapi/v2"), of.call("GET", "/openapi/v2")]);
    for (const { text, headers } of both) {
      const { paths, definitions } = JSON.parse(text) as Record<string, Record<string, unknown>>;
      expect(paths).toHaveProperty(["/apis/ext.example.com/v1/things"]);
      expect(paths).toHaveProperty(["/api/v1/pods"]);
      expect(paths).not.toHaveProperty(["/apis/other/v1/x"]);
      expect(definitions).toHaveProperty(["com.example.Thing"]);
      expect(headers.etag).not.toBe(before.headers.etag);
    }
    const [{ headers }] = both;
    const again = await of.call("GET", "/openapi/v2", { headers: { "if-none-match": String(headers.etag) } });
    expect([again.status, times()]).toEqual([304, 1]);
    expect(asked.find(({ url }) => url === "/openapi/v2")?.headers["x-remote-user"]).toBe("system:aggregator");
    await of.call("DELETE", `/apis/apiregistration.k8s.io/v1/apiservices/${SERVICE}`);
    expect((await of.call("GET", "/openapi/v2")).headers.etag).toBe(before.headers.etag);
  });

  it("hears who asks and that it is us, and gets bodies as they are", async () => {
    const of = await api();
    const asked: IncomingMessage[] = [];
    await of.object(SERVICES, service);
    await of.object(SLICES, slice(await listening(extension(asked))));
    await of.object("/apis/apiregistration.k8s.io/v1/apiservices", apiService());
    await becomes(of, /^Passed/);
    const body = Buffer.alloc(5_000_000, "x");
    const got = await of.call("POST", "/apis/ext.example.com/v1/things?a=b", {
      body,
      headers: { "X-Remote-User": "liar", "Audit-Id": "mine" },
    });
    expect([got.status, got.headers["x-seen"], got.text.length]).toEqual([200, "admin", 5_000_000]);
    const last = asked.at(-1);
    expect(last?.url).toBe("/apis/ext.example.com/v1/things?a=b");
    expect(last?.headers.authorization).toBeUndefined();
    expect(last?.headers["x-remote-group"]).toContain("system:masters");
    expect([last?.headers["audit-id"], got.headers["audit-id"]]).toEqual(["mine", "mine"]);
  });

  it("passes watches on as they come, and what is away afterwards is noticed by who asks", async () => {
    const of = await api();
    const server = extension();
    const port = await listening(server);
    await of.object(SERVICES, service);
    await of.object(SLICES, slice(port));
    await of.object("/apis/apiregistration.k8s.io/v1/apiservices", apiService());
    await becomes(of, /^Passed/);
    const watch = await new Promise<{ readonly line: string; readonly ended: Promise<void> }>((resolve, reject) => {
      const headers = { authorization: "Bearer secret" };
      const path = "/apis/ext.example.com/v1/things?watch=true";
      const options = {
        host: "127.0.0.1",
        port: of.port,
        path,
        headers,
        rejectUnauthorized: false,
        agent: false as const,
      };
      httpsRequest(options, (incoming) => {
        incoming.on("error", () => undefined);
        const ended = new Promise<void>((over) => incoming.once("close", over));
        incoming.once("data", (line: Buffer) => resolve({ line: line.toString(), ended }));
      })
        .on("error", reject)
        .end();
    });
    expect(watch.line).toBe('{"type":"ADDED","object":{}}\n');
    await close(server);
    await watch.ended;
    const away = await of.call("GET", "/apis/ext.example.com/v1/things");
    expect([away.status, away.text]).toEqual([
      503,
      `error trying to reach service: dial tcp 127.0.0.1:${port}: connect: connection refused\n`,
    ]);
    await becomes(of, /^FailedDiscoveryCheck/);
    expect((await of.call("GET", "/apis/ext.example.com/v1/things")).text).toBe("service unavailable\n");
    await listening(extension(), port);
    await becomes(of, /^Passed/);
  });

  it("hears of any name in UTF-8; who has one that no header can hold is told so, and nothing stays under way", async () => {
    const admins = ["system:masters"];
    const tokens = [
      { token: "secret", user: "Jürgen 円", groups: admins },
      { token: "broken", user: "two\nlines", groups: admins },
    ];
    const begun = vi.spyOn(UnderWay.prototype, "begin");
    later(() => begun.mockRestore());
    const of = await api({ tokens });
    const asked: IncomingMessage[] = [];
    await of.object(SERVICES, service);
    await of.object(SLICES, slice(await listening(extension(asked))));
    await of.object("/apis/apiregistration.k8s.io/v1/apiservices", apiService());
    await becomes(of, /^Passed/);
    const path = "/apis/ext.example.com/v1/things";
    await of.call("POST", path, { body: "x" });
    const [user] = asked.flatMap(({ url, headers }) => (url === path ? [headers["x-remote-user"]] : []));
    expect(Buffer.from(String(user), "latin1").toString("utf8")).toBe("Jürgen 円");
    const broken = await of.call("POST", path, { body: "x", headers: { authorization: "Bearer broken" } });
    expect([broken.status, broken.text]).toEqual([
      503,
      'error trying to reach service: Invalid character in header content ["x-remote-user"]\n',
    ]);
    expect(begun.mock.calls).toEqual([[SERVICE], [SERVICE]]);
    const [underWay] = begun.mock.contexts as readonly UnderWay[];
    await expect.poll(() => underWay?.servers).toBe(0);
  });

  it("is not believed with the certificate of another authority", async () => {
    const of = await api();
    await of.object(SERVICES, service);
    await of.object(SLICES, slice(await listening(extension())));
    const other = Buffer.from(makeAuthority("other", Date.now()).certificate).toString("base64");
    await of.object("/apis/apiregistration.k8s.io/v1/apiservices", apiService({ caBundle: other }));
    await becomes(of, /^FailedDiscoveryCheck: .*(certificate|signature)/);
  });

  it("is local again, and available, without its Service", async () => {
    const of = await api();
    await of.object("/apis/apiregistration.k8s.io/v1/apiservices", apiService());
    await becomes(of, /^ServiceNotFound/);
    const body = JSON.stringify({ spec: { service: null, caBundle: null } });
    const path = `/apis/apiregistration.k8s.io/v1/apiservices/${SERVICE}`;
    await of.call("PATCH", path, { body, type: "application/merge-patch+json" });
    await becomes(of, /^Local: Local APIServices are always available$/);
    expect((await of.call("GET", "/apis/ext.example.com/v1/things")).status).toBe(404);
  });
});
