/** The words of errors are those that kube-apiserver 1.37 passed on: `test/conformance/conversion/clients.json`. */
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { targetOf } from "../../../../../actors/api-server/core/webhooks/client-config.ts";
import { readReply } from "../../../../../actors/api-server/core/webhooks/reply.ts";
import { httpsClient } from "../../../../../actors/api-server/io/https-client.ts";
import type { HttpsCall, HttpsPeer } from "../../../../../actors/api-server/outward.ts";
import type { Webhook, WebhookAnswer } from "../../../../fixtures/webhook.ts";
import { startWebhook } from "../../../../fixtures/webhook.ts";

const recorded = JSON.parse(
  readFileSync(new URL("../../../../conformance/conversion/clients.json", import.meta.url), "utf8"),
) as Readonly<Record<string, { readonly body: { readonly message: string } }>>;

/** What was told of the call, behind `Post "…": `. */
function told(name: string): string {
  return recorded[name]?.body.message.replace(/^.*timeout=30s\\?": /, "") ?? "";
}

const client = httpsClient();
const running: Webhook[] = [];
afterEach(async () => {
  for (const webhook of running.splice(0)) await webhook.stop();
});

async function start(answer: () => WebhookAnswer, hosts?: readonly string[]): Promise<Webhook> {
  const webhook = await startWebhook(answer, hosts);
  running.push(webhook);
  return webhook;
}

const LATE = "net/http: request canceled (Client.Timeout exceeded while awaiting headers)";

type More = Partial<Omit<HttpsCall, "peer">> & { readonly peer?: Partial<HttpsPeer> };

function callOf({ port, bundle }: Pick<Webhook, "port" | "bundle">, { peer, ...more }: More = {}): HttpsCall {
  const ca = bundle === "" ? undefined : Buffer.from(bundle, "base64").toString("utf8");
  return {
    peer: { host: "127.0.0.1", port, serverName: "127.0.0.1", ca, ...peer },
    path: "/convert?timeout=30s",
    headers: { host: `127.0.0.1:${port}`, "content-type": "application/json" },
    body: "{}",
    timeoutMs: 30_000,
    late: LATE,
    answerBytesMax: 1_000,
    ...more,
  };
}

const ok = (): WebhookAnswer => ({ body: '{"a":1}' });

describe("httpsClient", () => {
  it("uses a connection again", async () => {
    const webhook = await start(ok);
    for (let i = 0; i < 3; i++) {
      expect(await client.ask(callOf(webhook))).toEqual({
        value: { code: 200, type: "application/json", etag: "", body: '{"a":1}' },
      });
    }
    expect(webhook.connections()).toBe(1);
    expect(webhook.asked[0]).toMatchObject({ path: "/convert?timeout=30s", serverName: "" });
  });

  it("asks again over a new connection when those that it kept are closed, and no more than once", async () => {
    const webhook = await start(ok);
    const three = async (): Promise<unknown> =>
      Promise.all([1, 2, 3].map(async () => (await client.ask(callOf(webhook))).error));
    expect(await three()).toEqual([undefined, undefined, undefined]);
    expect(webhook.connections()).toBe(3);
    webhook.dropUsed();
    expect(await client.ask(callOf(webhook))).toMatchObject({ value: { code: 200 } });
    expect([webhook.connections(), webhook.asked.length]).toEqual([4, 4]);
  });

  it("waits for nothing any more once it is answered, and keeps no connection once it is closed", async () => {
    const webhook = await start(ok);
    const own = httpsClient();
    const [set, cleared] = [vi.spyOn(globalThis, "setTimeout"), vi.spyOn(globalThis, "clearTimeout")];
    await own.ask(callOf(webhook, { timeoutMs: 29_123 }));
    const waits = set.mock.results.filter((_result, at) => set.mock.calls[at]?.[1] === 29_123);
    expect(waits).toHaveLength(1);
    expect(cleared).toHaveBeenCalledWith(waits[0]?.value);
    vi.restoreAllMocks();
    expect(webhook.open()).toBe(1);
    own.close();
    await expect.poll(() => webhook.open()).toBe(0);
  });

  it("asks at an address for whom the Service is named", async () => {
    const webhook = await start(ok, ["hook.shop.svc"]);
    const peer = { serverName: "hook.shop.svc" };
    expect(await client.ask(callOf(webhook, { peer }))).toMatchObject({ value: { code: 200 } });
    expect(webhook.asked).toMatchObject([{ serverName: "hook.shop.svc" }]);
    expect(await client.ask(callOf(webhook, { peer: { serverName: "other.shop.svc" } }))).toEqual({
      error: "tls: failed to verify certificate: x509: certificate is valid for hook.shop.svc, not other.shop.svc",
    });
  });

  it("says in Kubernetes' words that nobody listens, or that there is no TLS", async () => {
    const plain = createServer((socket) => {
      socket.on("error", () => {}).resume();
      socket.end("hello\n");
    });
    await new Promise<void>((resolve) => {
      plain.listen(0, "127.0.0.1", resolve);
    });
    const { port } = plain.address() as AddressInfo;
    expect(await client.ask(callOf({ port, bundle: "" }))).toEqual({ error: told("no TLS") });
    await new Promise((resolve) => plain.close(resolve));
    expect(await client.ask(callOf({ port, bundle: "" }))).toEqual({
      error: told("nobody listens").replace("CLOSED", String(port)),
    });
  });

  it("says in Kubernetes' words what is wrong with a certificate", async () => {
    const webhook = await start(ok);
    expect(await client.ask(callOf(webhook, { peer: { ca: undefined } }))).toEqual({ error: told("no bundle") });
    expect(await client.ask(callOf(webhook, { peer: { serverName: "localhost" } }))).toEqual({
      error: told("another name"),
    });
  });

  it("gives up what takes too long, and what is too long", async () => {
    const silent = await start(() => ({}));
    expect(await client.ask(callOf(silent, { timeoutMs: 50 }))).toEqual({ error: told("no answer") });
    const long = await start(() => ({ body: "x".repeat(5_000) }));
    expect(await client.ask(callOf(long))).toEqual({ error: "the answer is longer than 1000 bytes" });
  });
});

describe("httpsClient, before a server of another kind", () => {
  it("is told of a change of protocol that it has not asked for, and survives connections that end", async () => {
    const webhook = await start(ok);
    const other = await startWebhook(() => "HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
    const gone = await startWebhook(() => "");
    running.push(other, gone);
    expect(await client.ask(callOf(other))).toEqual({
      error: 'backend tried to switch protocol "x" when "" was requested',
    });
    for (let i = 0; i < 3; i++) {
      const all = await Promise.all(Array.from({ length: 4 }, () => client.ask(callOf(gone))));
      for (const one of all) expect(one).toEqual({ error: "EOF" });
    }
    expect(await client.ask(callOf(webhook))).toMatchObject({ value: { code: 200 } });
  });
});

describe("readReply", () => {
  it("refuses what nests deeper than can be walked", () => {
    const body = `{"a":${"[".repeat(5_000)}${"]".repeat(5_000)}}`;
    expect(readReply({ code: 200, type: "application/json", body })).toEqual({
      error: "couldn't get version/kind; json parse error: json: exceeded max depth",
    });
  });
});

describe("targetOf", () => {
  it("names the Service, its default port and path", () => {
    expect(targetOf({ service: { namespace: "shop", name: "hook" } })).toMatchObject({
      url: "https://hook.shop.svc:443/",
      place: { namespace: "shop", name: "hook", port: 443 },
      serverName: "hook.shop.svc",
      ca: undefined,
    });
  });

  it("reads where a URL leads, and takes a bundle of spaces for none", () => {
    expect(targetOf({ url: "https://[::1]:8443/a", caBundle: btoa(" \n") })).toMatchObject({
      url: "https://[::1]:8443/a",
      place: { host: "::1", port: 8443 },
      serverName: "::1",
      authority: "[::1]:8443",
      path: "/a",
      ca: undefined,
    });
    expect(targetOf({ url: "https://hook.example" })).toMatchObject({ place: { port: 443 }, path: "/" });
  });
});
