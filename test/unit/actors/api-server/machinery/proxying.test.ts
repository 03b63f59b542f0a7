import { describe, expect, it } from "vitest";
import {
  isProxyPath,
  parseProxyPath,
  passedOn,
  remoteUserHeaders,
  rewrittenLink,
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

// As recorded from kube-apiserver 1.37.1 for redirects of a pod: `test/conformance/aggregation/passed.json`.
describe("a link or a redirect", () => {
  const prefix = "/api/v1/namespaces/shop/pods/web/proxy";
  const place = { prefix, authority: "10.0.0.1:8080", clientAuthority: "api.example:6443" };
  it.each([
    ["/login?next=%2F#x", `${prefix}/login?next=%2F#x`],
    ["/", `${prefix}/`],
    ["http://10.0.0.1:8080/own", `${prefix}/own`],
    ["HTTPS://10.0.0.1:8080/own/", `${prefix}/own/`],
    ["//10.0.0.1:8080/a", `${prefix}/a`],
    ["https://api.example:6443/x", `https://api.example:6443${prefix}/x`],
    ["//api.example:6443/x", `//api.example:6443${prefix}/x`],
    [`${prefix}/in`, `${prefix}/in`],
    [prefix, prefix],
    [`${prefix}er/x`, `${prefix}${prefix}er/x`],
    ["//10.0.0.1:8080//a", `${prefix}//a`],
  ])("%s leads through us as %s", (link, wanted) => expect(rewrittenLink(link, place)).toBe(wanted));

  it.each([
    "https://elsewhere.example/x",
    "//10.0.0.1/x",
    "http://10.0.0.1:8080",
    "rel/path",
    "?q=/x",
    "#/x",
    "",
    "mailto:a/b",
    "javascript:f(/x/)",
    "http://10.0.0.1:8080?x=/y",
    "%zz",
  ])("%s stays as it is", (link) => expect(rewrittenLink(link, place)).toBe(link));

  it("may leave out the port that its scheme has anyway", () => {
    expect(rewrittenLink("https://10.0.0.1/x", { ...place, authority: "10.0.0.1:443" })).toBe(`${prefix}/x`);
  });
});
