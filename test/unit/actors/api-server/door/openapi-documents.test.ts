/** How the OpenAPI documents are served: made on demand, named by a hash, and not sent to who has them. */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Door } from "../harness/https-client.ts";
import { openDoor } from "../harness/https-client.ts";

const V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

let door: Door;
beforeAll(async () => {
  door = await openDoor({ gzipBytes: 4_096 });
});
afterAll(async () => {
  await door.close();
  expect(door.server.crashes).toEqual([]);
});

async function addressOf(path: string): Promise<string> {
  const index = JSON.parse((await door.ask("GET", "/openapi/v3")).text) as {
    readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>>;
  };
  const address = index.paths[path]?.serverRelativeURL;
  if (address === undefined) throw new Error(`the index has no ${path}`);
  return address;
}

describe("/openapi/v3", () => {
  it("serves a document for ever where the index says, and not again to who has it", async () => {
    const address = await addressOf("apis/apps/v1");
    const first = await door.ask("GET", address, { "accept-encoding": "gzip" });
    expect([first.status, first.headers["cache-control"], first.headers["content-encoding"]]).toEqual([
      200,
      "public, immutable",
      "gzip",
    ]);
    // Who keeps it between us may give it to nobody who takes another form or none that is compressed.
    expect(first.headers["vary"]).toBe("Accept-Encoding, Accept");
    expect(first.text).toContain('"io.k8s.api.apps.v1.Deployment"');
    const { etag } = first.headers as { readonly etag: string };
    expect(address).toContain(etag.replaceAll('"', ""));
    const again = await door.ask("GET", address, { "if-none-match": etag });
    expect([again.status, again.text, again.headers["etag"]]).toEqual([304, "", etag]);
  });

  it("sends who asks with another hash to the present document", async () => {
    const moved = await door.ask("GET", "/openapi/v3/api/v1?hash=OLD");
    expect([moved.status, moved.headers["location"]]).toEqual([301, await addressOf("api/v1")]);
    expect((await door.ask("GET", "/openapi/v3/api/v1")).headers["cache-control"]).toBe("no-cache, private");
  });

  it("has none of what is not served", async () => {
    expect((await door.ask("GET", "/openapi/v3/apis/apps/v9")).status).toBe(404);
    expect((await door.ask("GET", "/openapi/v3/apis/nobody/v1")).status).toBe(404);
  });

  it("serves all its documents as protobuf", async () => {
    const accept = "application/com.github.proto-openapi.spec.v3@v1.0+protobuf";
    const { text } = await door.ask("GET", "/openapi/v3");
    const { paths } = JSON.parse(text) as { readonly paths: Readonly<Record<string, unknown>> };
    for (const path of Object.keys(paths)) {
      const { status, type } = await door.ask("GET", `/openapi/v3/${path}`, { accept });
      expect([path, status, type]).toEqual([path, 200, accept.replace("@", ".")]);
    }
  });

  it("is not sent again to who has got it since", async () => {
    const first = await door.ask("GET", "/openapi/v3/apis/apps/v1");
    const since = { "if-modified-since": String(first.headers["last-modified"]) };
    expect((await door.ask("GET", "/openapi/v3/apis/apps/v1", since)).status).toBe(304);
    expect((await door.ask("GET", "/openapi/v3", since)).status).toBe(304);
    const other = { ...since, "if-none-match": '"another"' };
    expect((await door.ask("GET", "/openapi/v3/apis/apps/v1", other)).status).toBe(200);
  });
});

describe("/openapi/v2", () => {
  it("is made once for all who ask while it is being made", async () => {
    const stringify = vi.spyOn(JSON, "stringify");
    const accept = { accept: "application/json" };
    const answers = await Promise.all(Array.from({ length: 5 }, () => door.ask("GET", "/openapi/v2", accept)));
    const made = stringify.mock.calls.filter(
      ([value]) => (value as { readonly title?: unknown } | null)?.title === "Kubernetes",
    );
    stringify.mockRestore();
    expect(new Set(answers.map(({ status, text }) => `${status} ${text.length}`)).size).toBe(1);
    expect(made).toHaveLength(1);
  });

  it("serves everything in one document, as JSON and as protobuf", async () => {
    const json = await door.ask("GET", "/openapi/v2", { accept: "application/json" });
    expect(JSON.parse(json.text)).toMatchObject({
      swagger: "2.0",
      definitions: { "io.k8s.api.core.v1.Pod": { type: "object" } },
      security: [{ BearerToken: [] }],
    });
    const protobuf = await door.ask("GET", "/openapi/v2", { accept: V2_PROTOBUF });
    expect([protobuf.status, protobuf.type]).toEqual([200, V2_PROTOBUF.replace("@", ".")]);
    expect(protobuf.headers["etag"]).toBe(json.headers["etag"]);
    const etag = String(json.headers["etag"]);
    expect((await door.ask("GET", "/openapi/v2", { "if-none-match": `W/${etag}` })).status).toBe(304);
    expect((await door.ask("GET", "/openapi/v2", { accept: "text/html" })).status).toBe(406);
  });
});
