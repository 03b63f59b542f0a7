import { describe, expect, it } from "vitest";
import {
  isProxyPath,
  parseProxyPath,
  passedOn,
  remoteUserHeaders,
  rewrittenLocation,
} from "../../../../../actors/api-server/core/rest/proxying.ts";
import { UnderWay } from "../../../../../actors/api-server/core/rest/under-way.ts";

describe("the path of a proxy", () => {
  const base = "/api/v1/namespaces/shop/services";
  it.each([
    [`${base}/web/proxy`, { name: "web", scheme: "http", port: "", rest: "" }],
    [`${base}/web:80/proxy/`, { name: "web", scheme: "http", port: "80", rest: "/" }],
    [`${base}/https:web:tls/proxy/a%2Fb?x=/proxy/y`, { scheme: "https", port: "tls", rest: "/a%2Fb?x=/proxy/y" }],
    [`${base}/https%3Aweb%3A/proxy?x=1`, { name: "web", scheme: "https", port: "", rest: "?x=1" }],
    ["/api/v1/nodes/worker-0:10250/proxy/stats", { resource: "nodes", namespace: undefined, port: "10250" }],
    ["/api/v1/namespaces/a/pods/web/proxy/b/proxy/c", { resource: "pods", namespace: "a", rest: "/b/proxy/c" }],
  ])("%s", (url, wanted) => expect(parseProxyPath(url)).toMatchObject(wanted));

  it.each([
    "/api/v1/namespaces/shop/services/web",
    "/api/v1/namespaces/shop/services/web/proxyx",
    "/api/v1/namespaces/shop/configmaps/web/proxy",
    "/apis/apps/v1/nodes/a/proxy",
    "/api/v1/nodes/proxy",
  ])("is not %s", (url) => expect(isProxyPath(url)).toBe(false));

  it.each([
    [`${base}/ftp:web:80/proxy/`, 'invalid service request "ftp:web:80"'],
    ["/api/v1/nodes/a:b:c:d/proxy/", 'invalid node request "a:b:c:d"'],
  ])("refuses %s", (url, message) => expect(() => parseProxyPath(url)).toThrow(message));
});

describe("headers that are passed on", () => {
  it("are those that are not about this connection, nor about who asks us", () => {
    const raw = [
      "Host",
      "a",
      "Authorization",
      "Bearer x",
      "X-Remote-User",
      "root",
      "Impersonate-User",
      "b",
      "Cookie",
      "1",
    ];
    expect(passedOn([...raw, ":path", "/", "cookie", "2", "Connection", "close", "TE", "trailers"])).toEqual({
      cookie: ["1", "2"],
    });
  });

  it("are none of those that are named for this connection", () => {
    const raw = ["Connection", "X-Hop, close", "X-Hop", "1", "connection", "x-other", "X-Other", "2", "X-Kept", "3"];
    expect(passedOn(raw)).toEqual({ "x-kept": ["3"] });
  });

  it("say who asks in UTF-8, as Go writes and reads them", () => {
    const { "x-remote-user": user, "x-remote-group": groups } = remoteUserHeaders({ user: "Jürgen 円", groups: ["ß"] });
    expect(Buffer.from(user?.[0] ?? "", "latin1").toString("utf8")).toBe("Jürgen 円");
    expect(Buffer.from(groups?.[0] ?? "", "latin1").toString("utf8")).toBe("ß");
  });

  it("say who asks", () => {
    const user = { user: "jane", groups: ["a", "b"], uid: "7", extra: { "example.com/Team": ["x"] } };
    expect(remoteUserHeaders(user)).toEqual({
      "x-remote-user": ["jane"],
      "x-remote-group": ["a", "b"],
      "x-remote-uid": ["7"],
      "x-remote-extra-example.com%2fteam": ["x"],
    });
  });
});

describe("requests under way", () => {
  it("are so many to one server at most, and none of them is forgotten when it is over", () => {
    const underWay = new UnderWay(2);
    const [first, second] = [underWay.begin("a"), underWay.begin("a")];
    expect(() => underWay.begin("a")).toThrow("too many requests, please try again later");
    const other = underWay.begin("b");
    first();
    first();
    expect(underWay.of("a")).toBe(1);
    underWay.begin("a")();
    second();
    other();
    expect(underWay.servers).toBe(0);
  });
});

describe("the address of a redirect", () => {
  const prefix = "/api/v1/namespaces/shop/services/web/proxy";
  it.each([
    ["/login?next=%2F", `${prefix}/login?next=%2F`],
    ["next", `${prefix}/a/next`],
    ["http://10.0.0.1:80/x", `${prefix}/x`],
    ["https://example.com/x", "https://example.com/x"],
    [`${prefix}/done`, `${prefix}/done`],
    ["http://[bad", "http://[bad"],
  ])("%s becomes %s", (location, wanted) => {
    expect(rewrittenLocation(location, prefix, "http://10.0.0.1/a/b")).toBe(wanted);
  });
});
