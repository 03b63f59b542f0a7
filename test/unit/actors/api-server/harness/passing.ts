/** An API server with real sockets that passes requests on, in front of the fake etcd, and the servers behind it. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { createServer as createPlain } from "node:http";
import type { Server } from "node:https";
import { createServer, request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, expect } from "vitest";
import { httpsDoor } from "../../../../../actors/api-server/io/door.ts";
import { httpsClient } from "../../../../../actors/api-server/io/https-client.ts";
import { plainTokenKeys } from "../../../../../actors/api-server/plain-token-keys.ts";
import type { ApiServerOptions, TlsMaterial } from "../../../../../actors/api-server/spec.ts";
import type { Credential } from "../../../../../actors/cluster/io/certificates.ts";
import { makeAuthority, makeCertificate } from "../../../../../actors/cluster/io/certificates.ts";
import { FakeEtcd } from "./fake-etcd.ts";
import type { TestServer } from "./test-server.ts";
import { serversOfTests } from "./test-server.ts";

export const authority: Credential = makeAuthority("test-ca", Date.now());
const certificate = makeCertificate(authority, { commonName: "x" }, ["127.0.0.1", "ext.default.svc"], Date.now());
export const tls: TlsMaterial = { ca: authority.certificate, cert: certificate.certificate, key: certificate.key };
const client = makeCertificate(authority, { commonName: "front-proxy-client" }, [], Date.now());

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;
type AnyServer = Server | ReturnType<typeof createPlain>;

export function close(server: AnyServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

export interface Api {
  readonly server: TestServer;
  readonly port: number;
  call(this: void, method: string, path: string, more?: More): Promise<Got>;
  object(this: void, path: string, object?: object): Promise<void>;
  availability(this: void): Promise<string>;
}
export interface More {
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly type?: string;
}
export interface Got {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly bytes: Buffer;
  readonly text: string;
  /** It has come to its end. */
  readonly whole: boolean;
}

export const SERVICE = "v1.ext.example.com";

export interface Passing {
  api(this: void, options?: Partial<ApiServerOptions>): Promise<Api>;
  /** Listens on 127.0.0.1 until the test ends. */
  listening(this: void, server: AnyServer, port?: number): Promise<number>;
  /** Done when the test has ended. */
  later(this: void, action: () => void): void;
}

/** For a test file: whatever a test starts ends with it. */
export function passingOfTests(): Passing {
  const start = serversOfTests();
  const closing: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const end of closing.splice(0)) await end();
  });
  return {
    api: async (options = {}) => {
      const serving = { tls, proxyClient: { cert: client.certificate, key: client.key }, ...options };
      return apiOf(await start(serving, httpsDoor(), new FakeEtcd(), plainTokenKeys, { openHttps: httpsClient }));
    },
    listening: async (server, port = 0) => {
      await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
      closing.push(() => close(server));
      return (server.address() as AddressInfo).port;
    },
    later: (action) => void closing.push(action),
  };
}

async function apiOf(server: TestServer): Promise<Api> {
  const { port } = await server.actor.handlers.serve({ host: "127.0.0.1", port: 0, reusePort: false }, {} as never);
  const call: Api["call"] = (method, path, { body, headers, type = "application/json" } = {}) =>
    new Promise((resolve, reject) => {
      const sent = {
        authorization: "Bearer secret",
        ...(body === undefined ? {} : { "content-type": type, "content-length": String(body.length) }),
        ...headers,
      };
      const request = {
        host: "127.0.0.1",
        port,
        method,
        path,
        headers: sent,
        rejectUnauthorized: false,
        agent: false as const,
      };
      const outgoing = httpsRequest(request, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        const done = (whole: boolean): void => {
          const bytes = Buffer.concat(chunks);
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            bytes,
            text: bytes.toString(),
            whole,
          });
        };
        incoming.on("end", () => done(true)).on("error", () => done(false));
      });
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  return {
    server,
    port,
    call,
    object: async (path, object) => {
      const got = await call(object === undefined ? "DELETE" : "POST", path, { body: JSON.stringify(object ?? {}) });
      if (got.status >= 300) throw new Error(got.text);
    },
    availability: async () => {
      const { text } = await call("GET", `/apis/apiregistration.k8s.io/v1/apiservices/${SERVICE}`);
      const { status } = JSON.parse(text) as { status: { conditions?: { reason: string; message: string }[] } };
      const [condition] = status.conditions ?? [];
      return condition === undefined ? "" : `${condition.reason}: ${condition.message}`;
    },
  };
}

export async function becomes(of: Api, wanted: RegExp): Promise<void> {
  await expect.poll(of.availability, { timeout: 10_000, interval: 20 }).toMatch(wanted);
}

export const apiService = (more: object = {}): object => ({
  metadata: { name: SERVICE },
  spec: {
    group: "ext.example.com",
    version: "v1",
    groupPriorityMinimum: 100,
    versionPriority: 10,
    caBundle: Buffer.from(authority.certificate).toString("base64"),
    service: { namespace: "default", name: "ext" },
    ...more,
  },
});
export const service: object = { metadata: { name: "ext" }, spec: { ports: [{ name: "https", port: 443 }] } };
export const slice = (port: number, name = "ext-1"): object => ({
  metadata: { name, labels: { "kubernetes.io/service-name": "ext" } },
  addressType: "IPv4",
  endpoints: [{ addresses: ["127.0.0.1"], targetRef: { kind: "Pod", namespace: "default", name: "ext" } }],
  ports: [{ name: "https", port }],
});
export const SERVICES = "/api/v1/namespaces/default/services";
export const SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";

const resources = {
  kind: "APIResourceList",
  apiVersion: "v1",
  groupVersion: "ext.example.com/v1",
  resources: [{ name: "things", singularName: "thing", namespaced: false, kind: "Thing", verbs: ["get", "list"] }],
};

const openApiV2 = {
  swagger: "2.0",
  paths: { "/apis/ext.example.com/v1/things": { get: { responses: {} } }, "/apis/other/v1/x": {} },
  definitions: { "com.example.Thing": { type: "object" } },
};

export function extension(asked: IncomingMessage[] = []): Server {
  const handle: Handler = (request, response) => {
    asked.push(request);
    const path = (request.url ?? "").split("?")[0];
    const json = (value: object): void =>
      void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
    if (path === "/apis/ext.example.com/v1") return json(resources);
    if (path === "/openapi/v3") {
      return json({
        paths: { "apis/ext.example.com/v1": { serverRelativeURL: "/openapi/v3/apis/ext.example.com/v1?hash=1" } },
      });
    }
    if (path === "/openapi/v2") {
      if (request.headers["if-none-match"] === '"1"') return void response.writeHead(304).end();
      response.setHeader("etag", '"1"');
      return json(openApiV2);
    }
    if (path === "/openapi/v3/apis/ext.example.com/v1") return json({ openapi: "3.0.0" });
    if (request.url?.includes("watch=true") === true) {
      response.writeHead(200, { "content-type": "application/json" });
      response.write('{"type":"ADDED","object":{}}\n');
      return;
    }
    if (path === "/apis/ext.example.com/v1/things") {
      return void request.pipe(response.writeHead(200, { "x-seen": String(request.headers["x-remote-user"]) }));
    }
    response.writeHead(404).end();
  };
  return createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, handle);
}
