/** What is passed on is answered as kube-apiserver 1.37.1 did, before the same server: `test/conformance/aggregation/passed.json`. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage, Server } from "node:http";
import { createServer as createPlain } from "node:http";
import { connect } from "node:http2";
import { createServer } from "node:https";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { answerTo, PAGE } from "../../../../conformance/aggregation-case.mjs";
import type { Api, Got, More } from "../harness/passing.ts";
import { apiService, becomes, passingOfTests, service, SERVICES, slice, SLICES, tls } from "../harness/passing.ts";

interface Recorded {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly whole: boolean;
}
const recorded = JSON.parse(
  readFileSync(new URL("../../../../conformance/aggregation/passed.json", import.meta.url), "utf8"),
) as Readonly<Record<string, Recorded>>;

const { api, later, listening } = passingOfTests();
const GROUP = "/apis/ext.example.com/v1";
const REMOTE = `${GROUP}/namespaces/default/things`;
const POD = "/api/v1/namespaces/default/pods/web/proxy";

async function aggregated(asked: IncomingMessage[] = []): Promise<Api> {
  const of = await api();
  const server = createServer(tls, (incoming, outgoing) => {
    asked.push(incoming);
    answerTo(incoming, outgoing, "");
  });
  await of.object(SERVICES, service);
  await of.object(SLICES, slice(await listening(server)));
  await of.object("/apis/apiregistration.k8s.io/v1/apiservices", apiService());
  await becomes(of, /^Passed/);
  return of;
}

/** @returns what it is called, and where the pod is */
async function withPod(answering: (of: Api) => Server): Promise<readonly [of: Api, place: string]> {
  const of = await api();
  const port = await listening(answering(of));
  const containers = [{ name: "main", image: "x", ports: [{ containerPort: port }] }];
  await of.object("/api/v1/namespaces/default/pods", { metadata: { name: "web" }, spec: { containers } });
  const body = JSON.stringify({ status: { podIP: "127.0.0.1" } });
  const type = "application/merge-patch+json";
  await of.call("PATCH", "/api/v1/namespaces/default/pods/web/status", { body, type });
  return [of, `127.0.0.1:${port}`];
}

function podOf(asked: IncomingMessage[] = []): Promise<readonly [of: Api, place: string]> {
  return withPod((of) =>
    createPlain((incoming, outgoing) => {
      asked.push(incoming);
      answerTo(incoming, outgoing, pageOf(of, `127.0.0.1:${incoming.socket.localPort}`));
    }),
  );
}

const clientOf = ({ port }: Api): string => `127.0.0.1:${port}`;
const pageOf = (of: Api, place: string): string =>
  PAGE.replaceAll("HOST", place).replaceAll("PREFIX", POD).replaceAll("CLIENT", clientOf(of));

/** With the names that the recorder gave to places. */
function named(of: Api, place: string, text: string): string {
  return text.replaceAll(place, "HOST").replaceAll(clientOf(of), "CLIENT").replaceAll(POD, "PREFIX");
}

/** Those of the connection, and of this server. */
const CONNECTION = [
  "x-kubernetes-pf-flowschema-uid",
  "x-kubernetes-pf-prioritylevel-uid",
  "audit-id",
  "connection",
  "date",
  "transfer-encoding",
  "content-length",
  "keep-alive",
];

function shown({ status, headers, text, whole }: Got): object {
  const kept = Object.entries(headers).filter(([name]) => !CONNECTION.includes(name));
  return { status, headers: Object.fromEntries(kept), text: statusOr(text), whole };
}

/** The members of a Status have no order. */
function statusOr(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function told(name: string): object {
  const { text, ...rest } = recorded[name] as Recorded;
  return { ...rest, text: statusOr(text) };
}

describe("a request that an aggregated API answers", () => {
  it("has the time that it names, and discovery has less than others", async () => {
    const of = await aggregated();
    const silent = { headers: { "x-silent": "1" } };
    const asked: readonly (readonly [what: string, method: string, path: string, more?: More])[] = [
      ["timeout=1s", "GET", `${REMOTE}/silent?timeout=1s`],
      ["timeout=1s of a POST", "POST", `${REMOTE}/silent?timeout=1s`, { body: "{}" }],
      ["timeout=1s of a list", "GET", `${GROUP}/silent?timeout=1s`],
      ["timeout=1s after it has begun", "GET", `${REMOTE}/partial?timeout=1s`],
      ["timeout=1s of a watch", "GET", `${GROUP}/lasting?watch=1&timeout=1s`],
      ["timeout=1s of a log", "GET", `${REMOTE}/lasting/log?timeout=1s`],
      ["timeout=abc", "GET", `${REMOTE}/plain?timeout=abc`],
      ["timeout=1", "GET", `${REMOTE}/plain?timeout=1`],
      ["timeout=-1s", "GET", `${REMOTE}/plain?timeout=-1s`],
      ["timeout=0s", "GET", `${REMOTE}/plain?timeout=0s`],
      ["timeout=abc here", "GET", "/api/v1/namespaces?timeout=abc"],
      ["discovery", "GET", GROUP, silent],
      ["discovery, timeout=1s", "GET", `${GROUP}?timeout=1s`, silent],
    ];
    const answers = await Promise.all(
      asked.map(async ([what, method, path, more]) => [what, shown(await of.call(method, path, more))]),
    );
    expect(Object.fromEntries(answers)).toEqual(Object.fromEntries(asked.map(([what]) => [what, told(what)])));
  });

  it("goes over the connection that another has come by, and that ends with the server", async () => {
    const asked: IncomingMessage[] = [];
    const of = await aggregated(asked);
    const first = asked.length;
    for (let i = 0; i < 3; i++) expect((await of.call("GET", `${REMOTE}/one`)).status).toBe(200);
    expect((await of.call("POST", REMOTE, { body: "{}" })).status).toBeLessThan(500);
    const sockets = new Set(asked.slice(first).map(({ socket }) => socket));
    expect([asked.length - first, sockets.size]).toEqual([4, 1]);
    const [socket] = sockets;
    const closed = once(socket!, "close");
    await of.server.stop();
    await closed;
  });

  it("is sent once more when its connection was closed meanwhile, if it only reads", async () => {
    const of = await api();
    const seen = new WeakSet<object>();
    const asked: string[] = [];
    const server = createServer(tls, (incoming, outgoing) => {
      if (incoming.url?.startsWith(REMOTE) !== true) return answerTo(incoming, outgoing, "");
      asked.push(incoming.method ?? "");
      // As one that has just given up an idle connection.
      if (seen.has(incoming.socket)) return void incoming.socket.destroy();
      seen.add(incoming.socket);
      outgoing.end("{}");
    });
    await of.object(SERVICES, service);
    await of.object(SLICES, slice(await listening(server)));
    await of.object("/apis/apiregistration.k8s.io/v1/apiservices", apiService());
    await becomes(of, /^Passed/);
    expect((await of.call("GET", `${REMOTE}/one`)).status).toBe(200);
    expect((await of.call("GET", `${REMOTE}/one`)).status).toBe(200);
    expect(asked).toEqual(["GET", "GET", "GET"]);
    expect((await of.call("GET", `${REMOTE}/one`)).status).toBe(200);
    const posted = await of.call("POST", REMOTE, { body: "{}" });
    expect(posted.status).toBe(503);
    expect(asked.filter((each) => each === "POST")).toHaveLength(1);
  });

  it("has a minute when it names none, and its server is left alone then", async () => {
    const of = await api({ remoteTimeoutMs: 200 });
    let gone: () => void = () => {};
    const left = new Promise<void>((resolve) => (gone = resolve));
    const server = createServer(tls, (incoming, outgoing) => {
      if (incoming.url?.endsWith("/silent") === true) outgoing.once("close", gone);
      incoming.resume();
      answerTo(incoming, outgoing, "");
    });
    await of.object(SERVICES, service);
    await of.object(SLICES, slice(await listening(server)));
    await of.object("/apis/apiregistration.k8s.io/v1/apiservices", apiService());
    await becomes(of, /^Passed/);
    const [got] = await Promise.all([of.call("POST", `${REMOTE}/silent`, { body: "x".repeat(500_000) }), left]);
    expect(shown(got)).toEqual(told("timeout=1s"));
    expect(of.server.crashes).toEqual([]);
  });

  it("leaves the server alone also when its client goes on sending over HTTP/2", async () => {
    const of = await api({ remoteTimeoutMs: 200 });
    let gone: () => void = () => {};
    const left = new Promise<void>((resolve) => (gone = resolve));
    const server = createServer(tls, (incoming, outgoing) => {
      if (incoming.url?.endsWith("/silent") === true) outgoing.once("close", gone);
      incoming.resume();
      answerTo(incoming, outgoing, "");
    });
    await of.object(SERVICES, service);
    await of.object(SLICES, slice(await listening(server)));
    await of.object("/apis/apiregistration.k8s.io/v1/apiservices", apiService());
    await becomes(of, /^Passed/);
    const session = connect(`https://127.0.0.1:${of.port}`, { rejectUnauthorized: false });
    later(() => session.destroy());
    const head = { ":method": "POST", ":path": `${REMOTE}/silent`, authorization: "Bearer secret" };
    const stream = session.request(head, { endStream: false });
    stream.write("x");
    const [answer] = (await once(stream, "response")) as [{ readonly ":status"?: number }];
    expect(answer[":status"]).toBe(504);
    await left;
  });

  it("leads nowhere else, and says where it has come from", async () => {
    const asked: IncomingMessage[] = [];
    const of = await aggregated(asked);
    const away = await of.call("GET", `${REMOTE}/to?l=${encodeURIComponent("/elsewhere")}`);
    expect(shown(away)).toEqual(told("a redirect of an aggregated API"));
    const headers = { "x-forwarded-for": "1.2.3.4", "x-forwarded-host": "mine", accept: "*/*" };
    await of.call("GET", `${REMOTE}/plain?a=1`, { headers });
    const host = "ext.default.svc:" + String(asked.at(-1)?.headers.host?.split(":")[1]);
    expect(asked.at(-1)?.headers).toMatchObject({
      "x-forwarded-for": "1.2.3.4, 127.0.0.1",
      "x-forwarded-host": host,
      "x-forwarded-proto": "https",
      "x-forwarded-uri": `${REMOTE}/plain`,
    });
  });

  it("is counted by what it is about, as far as its server knows of it", async () => {
    const of = await aggregated();
    await of.call("GET", `${REMOTE}/plain`);
    await of.call("GET", `${GROUP}/silent?timeout=10ms`);
    await of.object(`${SERVICES}/ext`);
    await becomes(of, /^ServiceNotFound/);
    await of.call("GET", `${REMOTE}/plain`);
    const { text } = await of.call("GET", "/metrics");
    const labels =
      'component="aggregator",group="ext.example.com",resource="",scope="",subresource="",verb="GET",version="v1"';
    const counted = labels.replace(",group", ',dry_run="",group');
    const total = (code: number): string => `apiserver_request_total{code="${code}",${counted}} 1\n`;
    for (const code of [200, 503]) expect(text).toContain(total(code));
    expect(text).toContain(`apiserver_request_terminations_total{code="503",${labels}} 1\n`);
    expect(text).toMatch(/apiserver_request_terminations_total\{code="504",.*verb="LIST".*\} 1\n/);
    expect(text).toContain(`apiserver_request_duration_seconds_count{${counted}} 2\n`);
  });
});

describe("a request that a pod answers", () => {
  it("comes from its client, and leads back through us", async () => {
    const asked: IncomingMessage[] = [];
    const [of, place] = await podOf(asked);
    const headers = { "x-forwarded-for": "1.2.3.4", "x-forwarded-host": "mine", accept: "*/*" };
    await of.call("GET", `${POD}/plain/?a=1`, { headers });
    const { connection: _connection, ...sent } = asked.at(-1)?.headers ?? {};
    const {
      "content-type": _type,
      "accept-encoding": _coding,
      ...wanted
    } = recorded["headers of a pod"] as unknown as Record<string, string>;
    expect(statusOr(named(of, place, JSON.stringify(sent)))).toEqual(wanted);
    for (const [name, link] of [
      ["/elsewhere?x=1", "/elsewhere?x=1"],
      ["/dir/", "/dir/"],
      ["http://HOST/own", `http://${place}/own`],
      ["https://elsewhere.example/x", "https://elsewhere.example/x"],
      ["rel", "rel"],
      ["/api/v1/namespaces/agg/pods/web/proxy/in", `${POD}/in`],
    ] as const) {
      const got = await of.call("GET", `${POD}/to?l=${encodeURIComponent(link)}`);
      expect(statusOr(named(of, place, JSON.stringify(shown(got))))).toEqual(told(`a redirect to ${name}`));
    }
  });

  it("has links in its page that lead through us", async () => {
    const [of, place] = await podOf();
    for (const [name, path] of [
      ["a page", "page"],
      ["a page that is not found", "page-404"],
      ["a page and a location", "made"],
    ] as const) {
      const got = await of.call("GET", `${POD}/${path}`);
      const { text, ...rest } = statusOr(named(of, place, JSON.stringify(shown(got)))) as Recorded;
      const { text: wanted, ...head } = recorded[name] as Recorded;
      expect(rest).toEqual(head);
      expect(attributesOf(text)).toEqual(attributesOf(wanted));
    }
  });

  it("has them in a compressed page as well, and in none that is no HTML, or has no body", async () => {
    const zipped = gzipSync("<a href='/x'>é</a>");
    const heads = {
      "/zipped": { "content-type": "text/html", "content-encoding": "gzip", "content-length": zipped.length },
      "/text": { "content-type": "text/plain" },
      "/other": { "content-type": "text/html", "content-encoding": "br" },
      "/none": { "content-type": "text/html", "content-encoding": "gzip" },
    };
    const [of] = await withPod(() =>
      createPlain(({ url, method }, outgoing) => {
        outgoing.writeHead(url === "/none" ? 304 : 200, heads[url as keyof typeof heads]);
        outgoing.end(method === "HEAD" || url === "/none" ? undefined : zipped);
      }),
    );
    const unzipped = async (path: string): Promise<string> =>
      gunzipSync((await of.call("GET", `${POD}${path}`)).bytes).toString();
    expect(await unzipped("/zipped")).toBe(`<a href='${POD}/x'>é</a>`);
    for (const path of ["/text", "/other"]) expect(await unzipped(path)).toBe("<a href='/x'>é</a>");
    expect((await of.call("GET", `${POD}/none`)).bytes).toHaveLength(0);
    const head = await of.call("HEAD", `${POD}/zipped`);
    expect([head.status, head.headers["content-length"]]).toEqual([200, String(zipped.length)]);
  });

  it("is counted as a connection while it lasts, and when it is over", async () => {
    const [of] = await podOf();
    const figures = async (): Promise<string> => (await of.call("GET", "/metrics")).text;
    const labels =
      'component="apiserver",group="",resource="pods",scope="resource",subresource="proxy",verb="CONNECT",version="v1"';
    const lasting = of.call("GET", `${POD}/lasting`);
    await expect.poll(figures).toContain(`apiserver_longrunning_requests{${labels}} 1\n`);
    await lasting;
    await expect.poll(figures).toContain(`apiserver_longrunning_requests{${labels}} 0\n`);
    const counted = labels.replace(",group", ',dry_run="",group');
    expect(await figures()).toContain(`apiserver_request_total{code="200",${counted}} 1\n`);
    expect(await figures()).toContain(`apiserver_request_duration_seconds_count{${counted}} 1\n`);
  });
});

/** Of each tag the attributes, however they are quoted, and wherever their URLs are relative to. */
function attributesOf(html: string): readonly (readonly string[])[] {
  return [...html.matchAll(/<([a-z]+)((?:[^>"']|"[^"]*"|'[^']*')*)>/gi)].map(([, tag = "", rest = ""]) => [
    tag.toLowerCase(),
    ...[...rest.matchAll(/([a-z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))/gi)].map(
      ([, name = "", double, single, bare]) => `${name.toLowerCase()}=${urlOf(double ?? single ?? bare ?? "")}`,
    ),
  ]);
}

function urlOf(value: string): string {
  const text = value.replaceAll("&amp;", "&").replaceAll("&gt;", ">");
  if (!URL.canParse(text, "http://CLIENT/PREFIX/page")) return text;
  const { href } = new URL(text.replace(/^PREFIX/, "/PREFIX"), "http://CLIENT/PREFIX/page");
  return href.replaceAll(/(?<!:)\/\//g, "/");
}
