/** A client of the HTTPS door of a test server: whole answers, as bytes. */
import { connect } from "node:http2";
import { gunzipSync } from "node:zlib";
import { httpsDoor } from "../../../../../actors/api-server/io/door.ts";
import type { ApiServerOptions } from "../../../../../actors/api-server/spec.ts";
import { makeAuthority, makeCertificate } from "../../../../../actors/cluster/io/certificates.ts";
import type { TestServer } from "./test-server.ts";
import { startServer } from "./test-server.ts";

export interface HttpsAnswer {
  readonly status: number;
  readonly type: string;
  readonly headers: { readonly [name: string]: unknown };
  readonly bytes: Uint8Array;
  readonly text: string;
}

export interface Door {
  readonly server: TestServer;
  ask(
    this: void,
    method: string,
    path: string,
    headers?: Readonly<Record<string, string>>,
    body?: unknown,
  ): Promise<HttpsAnswer>;
  /** With a body as it is. */
  askText(
    this: void,
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: string,
  ): Promise<HttpsAnswer>;
  close(): Promise<void>;
}

export async function openDoor(options: Partial<ApiServerOptions> = {}): Promise<Door> {
  const authority = makeAuthority("test-ca", Date.now());
  const serving = makeCertificate(authority, { commonName: "kube-apiserver" }, ["127.0.0.1"], Date.now());
  const tls = { ca: authority.certificate, cert: serving.certificate, key: serving.key };
  const server = await startServer({ tls, ...options }, httpsDoor());
  const { port } = await server.actor.handlers.serve({ host: "127.0.0.1", port: 0, reusePort: false }, {} as never);
  const session = connect(`https://127.0.0.1:${port}`, {
    ca: authority.certificate,
    checkServerIdentity: () => undefined,
  });
  const askText = (
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: string | undefined,
  ): Promise<HttpsAnswer> =>
    new Promise((resolve, reject) => {
      const stream = session.request({
        ":method": method,
        ":path": path,
        authorization: "Bearer secret",
        ...headers,
      });
      const chunks: Buffer[] = [];
      let head: { readonly [name: string]: unknown } = {};
      stream.on("response", (received) => (head = received));
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("error", reject);
      stream.on("end", () => {
        const raw = Buffer.concat(chunks);
        const bytes = new Uint8Array(head["content-encoding"] === "gzip" ? gunzipSync(raw) : raw);
        const type = String(head["content-type"]);
        const text = Buffer.from(bytes).toString();
        resolve({ status: Number(head[":status"]), type, headers: head, bytes, text });
      });
      stream.end(body);
    });
  return {
    server,
    askText,
    ask: (method, path, headers = {}, body) =>
      askText(method, path, headers, body === undefined ? undefined : JSON.stringify(body)),
    close: async () => {
      session.destroy();
      await server.stop();
    },
  };
}
