/** What the HTTPS door answers to clients that speak protobuf, as client-go and controller-runtime do to built-in kinds. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeProtobuf } from "../../../../../actors/api-server/core/machinery/decode-protobuf.ts";
import { ProtobufReader } from "../../../../../actors/api-server/core/machinery/protobuf-reader.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import type { Door, HttpsAnswer } from "../harness/https-client.ts";
import { openDoor } from "../harness/https-client.ts";

const PROTOBUF = "application/vnd.kubernetes.protobuf";
const maps = "/api/v1/namespaces/default/configmaps";

let door: Door;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(async () => {
  await door.close();
  expect(door.server.crashes).toEqual([]);
});

function ask(method: string, path: string, accept: string, body?: unknown): Promise<HttpsAnswer> {
  return door.ask(method, path, { accept }, body);
}

async function json(path: string): Promise<KubernetesObject & { readonly items?: readonly KubernetesObject[] }> {
  const { bytes } = await ask("GET", path, "application/json");
  return JSON.parse(Buffer.from(bytes).toString()) as KubernetesObject;
}

/** The kind that an envelope names, and the fields of the message in it by number. */
function opened(bytes: Uint8Array): { readonly kind: string; readonly fields: readonly [number, Uint8Array][] } {
  const envelope = new ProtobufReader(bytes.subarray(4));
  envelope.next();
  const meta = new ProtobufReader(envelope.bytes());
  let kind = "";
  while (meta.next()) kind = `${kind}${kind === "" ? "" : " "}${meta.string()}`;
  envelope.next();
  const message = new ProtobufReader(envelope.bytes());
  const fields: [number, Uint8Array][] = [];
  while (message.next()) fields.push([message.field, message.bytes()]);
  return { kind, fields };
}

describe("answers in protobuf", () => {
  it("carry the object that JSON carries", async () => {
    const made = await ask("POST", maps, PROTOBUF, { metadata: { name: "one" }, data: { a: "ü" } });
    expect([made.status, made.type]).toEqual([201, PROTOBUF]);
    const read = await ask("GET", `${maps}/one`, `${PROTOBUF},application/json`);
    const object = await json(`${maps}/one`);
    for (const { bytes } of [made, read]) expect(decodeProtobuf(bytes)).toMatchObject(object);
  });

  it("go to whoever prefers them, and others get what they prefer", async () => {
    const typeFor = async (accept: string): Promise<string> => (await ask("GET", `${maps}/one`, accept)).type;
    expect(await typeFor(`application/json;q=0.5,${PROTOBUF}`)).toBe(PROTOBUF);
    expect(await typeFor(`application/json,${PROTOBUF};q=0.5`)).toBe("application/json");
    expect(await typeFor(`${PROTOBUF};as=Table;g=meta.k8s.io;v=v1,application/json;as=Table;g=meta.k8s.io;v=v1`)).toBe(
      "application/json",
    );
    const refused = await ask("GET", `${maps}/one`, `${PROTOBUF};as=Table;g=meta.k8s.io;v=v1`);
    expect(refused.status).toBe(406);
    expect(Buffer.from(refused.bytes).toString()).toContain(
      `only the following media types are accepted: application/json, application/yaml, ${PROTOBUF}`,
    );
    const unknown = await ask("GET", `${maps}/one`, "text/html");
    expect(Buffer.from(unknown.bytes).toString()).toContain(`Available representations: application/json, `);
  });

  it("carry errors and the success of a deletion", async () => {
    const missing = await ask("GET", `${maps}/nobody`, PROTOBUF);
    expect([missing.status, missing.type]).toEqual([404, PROTOBUF]);
    expect(decodeProtobuf(missing.bytes)).toMatchObject({
      kind: "Status",
      apiVersion: "v1",
      reason: "NotFound",
      message: 'configmaps "nobody" not found',
      details: { name: "nobody", kind: "configmaps" },
      code: 404,
    });
    await ask("POST", maps, PROTOBUF, { metadata: { name: "brief" } });
    const gone = await ask("DELETE", `${maps}/brief`, PROTOBUF);
    expect(decodeProtobuf(gone.bytes)).toMatchObject({ kind: "Status", status: "Success" });
  });

  it("carry lists of objects, of converted ones, and of their metadata", async () => {
    const list = opened((await ask("GET", maps, PROTOBUF)).bytes);
    const { items = [] } = await json(maps);
    expect(list.kind).toBe("v1 ConfigMapList");
    expect(list.fields.map(([field]) => field)).toEqual([1, ...items.map(() => 2)]);
    const scalers = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers";
    const spec = { maxReplicas: 3, scaleTargetRef: { kind: "Deployment", name: "a", apiVersion: "apps/v1" } };
    expect((await ask("POST", scalers, PROTOBUF, { metadata: { name: "h" }, spec })).status).toBe(201);
    expect(opened((await ask("GET", scalers, PROTOBUF)).bytes).kind).toBe("autoscaling/v1 HorizontalPodAutoscalerList");
    const as = `${PROTOBUF};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1`;
    const partial = opened((await ask("GET", maps, as)).bytes);
    expect(partial.kind).toBe("meta.k8s.io/v1 PartialObjectMetadataList");
    expect(partial.fields.length).toBe(1 + items.length);
  });

  it("carry the events of a watch in frames", async () => {
    const frames = async (path: string): Promise<readonly { readonly type: string; readonly object: Uint8Array }[]> => {
      const { type, bytes } = await ask("GET", path, PROTOBUF);
      expect(type).toBe(`${PROTOBUF};stream=watch`);
      const found = [];
      for (let at = 0; at < bytes.length;) {
        const end = at + 4 + Buffer.from(bytes).readUInt32BE(at);
        const event = new ProtobufReader(bytes.subarray(at + 4, end));
        event.next();
        const name = event.string();
        event.next();
        const raw = new ProtobufReader(event.bytes());
        raw.next();
        found.push({ type: name, object: raw.bytes() });
        at = end;
      }
      return found;
    };
    const [added, ...others] = await frames(`${maps}?watch=1&fieldSelector=metadata.name%3Done&timeoutSeconds=1`);
    expect([added?.type, others]).toEqual(["ADDED", []]);
    expect(decodeProtobuf(added?.object ?? new Uint8Array())).toMatchObject(await json(`${maps}/one`));
    door.server.etcd.compact();
    const [bookmark] = (await frames(`${maps}?watch=1&allowWatchBookmarks=1&timeoutSeconds=1`)).slice(-1);
    expect(bookmark?.type).toBe("BOOKMARK");
    expect(opened(bookmark?.object ?? new Uint8Array()).kind).toBe("v1 ConfigMap");
  });

  it("carry the documents of discovery", async () => {
    expect(opened((await ask("GET", "/apis/apps", PROTOBUF)).bytes).kind).toBe("v1 APIGroup");
    expect(opened((await ask("GET", "/apis/apps/v1", PROTOBUF)).bytes).kind).toBe("v1 APIResourceList");
    expect(opened((await ask("GET", "/api", PROTOBUF)).bytes).kind).toBe("APIVersions");
  });
});
