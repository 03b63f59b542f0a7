/** What goes over the wire between a client and an API server, as JSON would have it, in whatever media type it went. */
import { decodeObject } from "../../actors/api-server/core/machinery/decode-object.ts";
import { decodeProtobuf, PROTOBUF_MEDIA_TYPE } from "../../actors/api-server/core/machinery/decode-protobuf.ts";
import { encodeProtobuf, messageOf, messageType } from "../../actors/api-server/core/machinery/encode-protobuf.ts";
import { ProtobufReader } from "../../actors/api-server/core/machinery/protobuf-reader.ts";
import { ProtobufWriter } from "../../actors/api-server/core/machinery/protobuf-writer.ts";
import type { KubernetesObject } from "../../protocols/api-server.ts";
import { bytesOf, keepBytes } from "../../protocols/kept-bytes.ts";

/** One event of a watch. */
export interface WatchedEvent {
  readonly type: string;
  readonly object: KubernetesObject;
}

interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
}

/** `k8s` and a zero byte, before a `runtime.Unknown`. */
const MAGIC = Uint8Array.of(0x6b, 0x38, 0x73, 0x00);
/** Of a frame's length in a watch. */
const LENGTH_BYTES = 4;

/** The text itself where it is neither JSON nor protobuf; undefined of an empty body. */
export function readBody(type: string, bytes: Uint8Array): unknown {
  if (bytes.length === 0) return undefined;
  if (type.startsWith(PROTOBUF_MEDIA_TYPE)) return readProtobuf(bytes);
  const text = new TextDecoder().decode(bytes);
  return type.includes("json") || text.startsWith("{") ? (JSON.parse(text) as unknown) : text;
}

/** The bytes of what `readBody` gave. */
export function writeBody(type: string, body: unknown): Uint8Array {
  if (!type.startsWith(PROTOBUF_MEDIA_TYPE)) {
    return new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
  }
  const object = body as KubernetesObject;
  const message = messageType(object.apiVersion ?? "", object.kind ?? "");
  if (message === undefined) throw new Error(`no message for ${object.apiVersion ?? ""} ${object.kind ?? ""}`);
  return encodeProtobuf(message, object);
}

/** The events that are whole in `bytes`, and what is left of them. */
export function readEvents(
  type: string,
  bytes: Uint8Array,
): { readonly events: WatchedEvent[]; readonly rest: Uint8Array } {
  const isProtobuf = type.startsWith(PROTOBUF_MEDIA_TYPE);
  const events: WatchedEvent[] = [];
  let at = 0;
  for (;;) {
    const end = isProtobuf ? endOfFrame(bytes, at) : bytes.indexOf(0x0a, at) + 1;
    if (end <= at) return { events, rest: bytes.subarray(at) };
    const frame = bytes.subarray(at, end);
    events.push(isProtobuf ? readFrame(frame.subarray(LENGTH_BYTES)) : (readBody("json", frame) as WatchedEvent));
    at = end;
  }
}

/** 0 while it is not whole. */
function endOfFrame(bytes: Uint8Array, at: number): number {
  if (bytes.length < at + LENGTH_BYTES) return 0;
  const end = at + LENGTH_BYTES + new DataView(bytes.buffer, bytes.byteOffset + at, LENGTH_BYTES).getUint32(0);
  return end <= bytes.length ? end : 0;
}

/** A `meta.v1.WatchEvent`: `type = 1`, `object = 2`, which is a `RawExtension` of one field. */
function readFrame(bytes: Uint8Array): WatchedEvent {
  let type = "";
  let object: Uint8Array = new Uint8Array(0);
  const reader = new ProtobufReader(bytes);
  while (reader.next()) {
    if (reader.field === 1) type = reader.string();
    else if (reader.field === 2) {
      const raw = new ProtobufReader(reader.bytes());
      while (raw.next()) object = raw.bytes();
    } else reader.skip();
  }
  return { type, object: readProtobuf(object) as KubernetesObject };
}

/** A list of objects is `metadata = 1`, `items = 2`, of whatever kind they are. */
function readProtobuf(bytes: Uint8Array): unknown {
  const own = kindOf(bytes);
  const { apiVersion, kind } = own;
  if (!kind.endsWith("List") || messageType(apiVersion, kind) !== undefined) return readObject(own, bytes);
  const of = { apiVersion, kind: kind.slice(0, -"List".length) };
  const items: unknown[] = [];
  const reader = new ProtobufReader(bytesOf(messageOf(keepBytes(bytes))));
  while (reader.next()) {
    const value = reader.bytes();
    if (reader.field === 2) items.push(readObject(of, enveloped(of, value)));
  }
  return { ...own, items };
}

function readObject(kind: Kind, bytes: Uint8Array): KubernetesObject {
  return decodeObject(kind, { value: decodeProtobuf(bytes), duplicates: [] }, "Strict").object;
}

/** Of a `runtime.Unknown`: `typeMeta = 1`, with `apiVersion = 1` and `kind = 2`. */
function kindOf(bytes: Uint8Array): Kind {
  let [apiVersion, kind] = ["", ""];
  const reader = new ProtobufReader(bytes.subarray(MAGIC.length));
  while (reader.next()) {
    if (reader.field === 1) {
      const meta = new ProtobufReader(reader.bytes());
      while (meta.next()) {
        if (meta.field === 1) apiVersion = meta.string();
        else kind = meta.string();
      }
    } else reader.skip();
  }
  return { apiVersion, kind };
}

function enveloped({ apiVersion, kind }: Kind, message: Uint8Array): Uint8Array {
  const writer = new ProtobufWriter();
  writer.bytes(2, message);
  const before = writer.length;
  writer.string(2, kind);
  writer.string(1, apiVersion);
  writer.lengthDelimited(1, before);
  writer.raw(MAGIC);
  return writer.finish();
}

/** What an operator needs of discovery, which tells of everything there is. */
const GROUPS: ReadonlySet<unknown> = new Set(["", "clients.example.com", "coordination.k8s.io", "events.k8s.io"]);
const RESOURCES: ReadonlySet<unknown> = new Set(["configmaps", "events", "leases", "secrets", "widgets"]);

interface DiscoveredGroup {
  readonly metadata?: { readonly name?: string };
  readonly versions: readonly { readonly resources: readonly { readonly resource: string }[] }[];
}

/** Of discovery what is about these; anything else as it is. */
export function essential(body: unknown): unknown {
  const { kind, items } = (body ?? {}) as { readonly kind?: string; readonly items: readonly DiscoveredGroup[] };
  if (kind !== "APIGroupDiscoveryList") return body;
  const kept = items
    .filter(({ metadata }) => GROUPS.has(metadata?.name ?? ""))
    .map((group) => ({
      ...group,
      versions: group.versions.map((version) => ({
        ...version,
        resources: version.resources.filter(({ resource }) => RESOURCES.has(resource)),
      })),
    }));
  return { ...(body as object), items: kept };
}
