/** Whole requests to the HTTPS door: whatever is asked, the answer is no fault of the server, and the server lives. */
import { gzipSync } from "node:zlib";
import { connect } from "node:http2";
import type { ClientHttp2Session } from "node:http2";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { httpsDoor } from "../../../../../actors/api-server/io/door.ts";
import { makeAuthority, makeCertificate } from "../../../../../actors/cluster/io/certificates.ts";
import type { TestServer } from "../harness/test-server.ts";
import { startServer } from "../harness/test-server.ts";
import { hostileJson, hostileText, RUNS } from "./hostile.ts";

let server: TestServer;
let session: ClientHttp2Session;

beforeAll(async () => {
  const authority = makeAuthority("test-ca", Date.now());
  const serving = makeCertificate(authority, { commonName: "kube-apiserver" }, ["127.0.0.1"], Date.now());
  const tls = { ca: authority.certificate, cert: serving.certificate, key: serving.key };
  server = await startServer({ tls }, httpsDoor());
  const { port } = await server.actor.handlers.serve({ host: "127.0.0.1", port: 0, reusePort: false }, {} as never);
  session = connect(`https://127.0.0.1:${port}`, { ca: authority.certificate, checkServerIdentity: () => undefined });
});
afterAll(async () => {
  session.destroy();
  await server.stop();
  expect(server.crashes).toEqual([]);
});

/** The status. */
function ask(headers: Readonly<Record<string, string>>, body: Uint8Array | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    // Node ends a DELETE with its headers unless it is told that a body follows.
    const stream = session.request(headers, { endStream: body === undefined });
    stream.on("response", (head) => {
      resolve(Number(head[":status"]));
      stream.close();
    });
    stream.on("error", reject);
    if (body !== undefined) stream.end(body);
  });
}

const path = fc
  .tuple(
    fc.constantFrom(
      "api/v1",
      "apis/apps/v1",
      "apis/rbac.authorization.k8s.io/v1",
      "openapi",
      "",
      "apis/apiextensions.k8s.io/v1",
    ),
    fc.array(
      fc.constantFrom(
        "namespaces",
        "default",
        "pods",
        "deployments",
        "a",
        "status",
        "scale",
        "log",
        "watch",
        "v3",
        "customresourcedefinitions",
        "%2e%2e",
        "%zz",
        "__proto__",
        "serviceaccounts",
        "token",
      ),
      { maxLength: 5 },
    ),
    hostileText([
      "&",
      "=",
      "watch=1",
      "timeoutSeconds=1",
      "labelSelector=",
      "fieldSelector=",
      "limit=1",
      "continue=",
      "dryRun=All",
      "fieldManager=a",
      "force=true",
      "pretty=1",
      "a",
    ]),
  )
  .map(
    ([root, parts, query]) =>
      `/${[root, ...parts].join("/")}?${query.replaceAll(/[^\x21-\x7e]/g, (char) => encodeURIComponent(/[\ud800-\udfff]/.test(char) ? "?" : char))}`,
  );

const printable = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, "?").trim();
const token = hostileText([
  "secret",
  ".",
  "eyJhbGciOiJub25lIn0",
  "eyJhbGciOiJFUzI1NiIsImtpZCI6IngifQ",
  "eyJzdWIiOiJhIn0",
  "e30",
  "=",
]).map(printable);
const types = [
  "application/json",
  "application/yaml",
  "application/merge-patch+json",
  "application/json-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
  "application/vnd.kubernetes.protobuf",
  "text/plain",
  "",
];
const accept = hostileText([
  "application/json",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
  ";as=Table;v=v1;g=meta.k8s.io",
  ",",
  "*/*",
]).map(printable);
const body = hostileJson(["apiVersion", "kind", "metadata", "name", "spec", "status", "replicas", "op", "path"]);

it("any request is answered, and by no fault of the server", async () => {
  const method = fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS");
  const encoding = fc.constantFrom("", "gzip", "deflate");
  const request = fc.record({
    method,
    path,
    type: fc.constantFrom(...types),
    accept,
    body,
    encoding,
    token: fc.oneof(fc.constant("secret"), token),
  });
  await fc.assert(
    fc.asyncProperty(request, async (given) => {
      const plain = Buffer.from(JSON.stringify(given.body) ?? "");
      const bytes = given.encoding === "gzip" ? gzipSync(plain) : plain;
      const sends = given.method !== "GET" && given.method !== "HEAD" && given.method !== "OPTIONS";
      const headers = {
        ":method": given.method,
        ":path": given.path,
        authorization: `Bearer ${given.token}`,
        accept: given.accept,
        ...(given.encoding === "" || !sends ? {} : { "content-encoding": given.encoding }),
        ...(sends ? { "content-type": given.type } : {}),
      };
      const status = await ask(headers, sends ? bytes : undefined);
      // Patches that are of no form are answered with 500 by kube-apiserver, too.
      if (given.method !== "PATCH") expect(status, JSON.stringify(headers)).toBeLessThan(500);
      expect(server.crashes).toEqual([]);
    }),
    RUNS,
  );
});
