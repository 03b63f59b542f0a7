import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeObject } from "../../../../../actors/api-server/core/machinery/decode-object.ts";
import { decodeProtobuf } from "../../../../../actors/api-server/core/machinery/decode-protobuf.ts";
import {
  encodeProtobuf,
  encodeProtobufList,
  encodeWatchFrame,
  messageOf,
  messageType,
} from "../../../../../actors/api-server/core/machinery/encode-protobuf.ts";
import { ProtobufReader } from "../../../../../actors/api-server/core/machinery/protobuf-reader.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import { bytesOf, keepBytes } from "../../../../../protocols/kept-bytes.ts";
import { SeededRandom } from "../../../../../runtime/random.ts";
import type { ScalarType } from "../../../../../protocols/kubernetes/schema/schema.ts";
import { counted, filled, MESSAGE_KINDS } from "./filled.ts";
import { readFixture } from "./oracle-fixture.ts";

/** What the serializer of Kubernetes 1.37.1 makes of the objects of `filled.ts`: `<apiVersion> <kind> <empty, hex> <filled, SHA-256>`. */
const { lines } = readFixture("protobuf-filled") as { readonly lines: readonly string[] };
const { cases } = readFixture("protobuf") as {
  readonly cases: readonly { readonly from: string; readonly base64: string; readonly object?: KubernetesObject }[];
};

function encode(object: KubernetesObject): Uint8Array {
  const type = messageType(object.apiVersion ?? "", object.kind ?? "");
  if (type === undefined) throw new Error(`no message of ${object.apiVersion} ${object.kind}`);
  return encodeProtobuf(type, object);
}

/** As it would be stored: what is always there is there, what is left out when it is zero is not. */
function stored(value: KubernetesObject): KubernetesObject {
  const expected = { apiVersion: value.apiVersion ?? "", kind: value.kind ?? "" };
  return decodeObject(expected, { value, duplicates: [] }, "Strict").object;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

describe("encodeProtobuf", () => {
  it("writes every kind as Kubernetes does, byte for byte, with all fields and with none", () => {
    expect(lines.length).toBeGreaterThan(80);
    for (const line of lines) {
      const [apiVersion = "", kind = "", empty, full] = line.split(" ");
      const one = MESSAGE_KINDS.find((each) => each.apiVersion === apiVersion && each.kind === kind);
      if (one === undefined) throw new Error(`no ${apiVersion} ${kind}`);
      expect(hex(encode({ apiVersion, kind })), line).toBe(empty);
      const hash = createHash("sha256").update(encode(filled(one, counted())));
      expect(hash.digest("hex"), `${apiVersion} ${kind} with all fields`).toBe(full);
    }
  });

  it.each(cases.filter(({ object }) => object !== undefined))(
    "writes what kube-apiserver answered with: $from",
    ({ base64, object = {} }) => {
      expect(hex(encode(object))).toBe(Buffer.from(base64, "base64").toString("hex"));
    },
  );

  it.each(cases.filter(({ object }) => object === undefined))("writes what kubectl sent: $from", ({ base64 }) => {
    const bytes = new Uint8Array(Buffer.from(base64, "base64"));
    expect(hex(encode(stored(decodeProtobuf(bytes))))).toBe(hex(bytes));
  });

  it.each(MESSAGE_KINDS)("loses nothing of $apiVersion $kind on the way from JSON and back", (kind) => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = new SeededRandom(seed, "protobuf");
        const values = { scalar: (type: ScalarType) => anyValue(random, type), choose: (n: number) => random.below(n) };
        const object = stored(filled(kind, values));
        expect(stored(decodeProtobuf(encode(object)))).toEqual(object);
      }),
      { numRuns: 10 },
    );
  });

  it("grows with what it writes", () => {
    const data = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, "ü€😀".repeat(i)]));
    const object = { kind: "ConfigMap", apiVersion: "v1", metadata: { name: "a" }, data };
    expect(decodeProtobuf(encode(object))).toMatchObject(object);
  });

  it("puts lists together from the messages of their items", () => {
    const messages = ["c", "c".repeat(200), "c".repeat(100_000)].map((b) => {
      const object = { kind: "ConfigMap", apiVersion: "v1", metadata: { name: "a" }, data: { b } };
      return messageOf(keepBytes(encode(object)));
    });
    const encoded = encodeProtobufList("v1", "ConfigMapList", { resourceVersion: "7" }, messages);
    const { bytes } = encoded;
    expect(encoded.sizeBytes).toBe(bytes.length);
    // `k8s`, then the TypeMeta and the list.
    const envelope = new ProtobufReader(bytes.subarray(4));
    envelope.next();
    envelope.skip();
    envelope.next();
    const list = new ProtobufReader(envelope.bytes());
    list.next();
    expect(hex(list.bytes())).toBe("0a001201371a00");
    for (const message of messages) {
      expect([list.next(), list.field]).toEqual([true, 2]);
      expect(hex(list.bytes())).toBe(hex(bytesOf(message)));
    }
    expect(list.next()).toBe(false);
  });

  it("frames the events of a watch by their length", () => {
    const object = encode({ kind: "Namespace", apiVersion: "v1", metadata: { name: "a" } });
    const frame = encodeWatchFrame("ADDED", object);
    expect(Buffer.from(frame).readUInt32BE(0)).toBe(frame.length - 4);
    const event = new ProtobufReader(frame.subarray(4));
    event.next();
    expect(event.string()).toBe("ADDED");
    event.next();
    const raw = new ProtobufReader(event.bytes());
    raw.next();
    expect(hex(raw.bytes())).toBe(hex(object));
  });
});

const TEXTS = ["a", "ü€😀", "x".repeat(200), "\u0000", "é".repeat(70), " ", '"\\', "\n"];
const NUMBERS = [0, 1, -1, 127, 128, 16_383, 16_384, 2 ** 31 - 1, -(2 ** 31)];
const LARGE_NUMBERS = [2 ** 32, 2 ** 53 - 1, -(2 ** 53 - 1), 2 ** 40 + 1];
const FRACTIONS = [0, 0.1, -1e300, 5e-324, 3];
const JSON_VALUES = [[1, null, "x"], { a: { b: [] } }, "text", 7, true];

/** As they are stored, those included that other encodings stumble over. */
function anyValue(random: SeededRandom, type: ScalarType): unknown {
  const of = <T>(values: readonly T[]): T => values[random.below(values.length)] as T;
  const digits = (count: number): string => String(random.below(10 ** count)).padStart(count, "0");
  const time = (): string =>
    `${1 + random.below(9)}${digits(3)}-0${1 + random.below(9)}-1${digits(1)}T0${digits(1)}:5${digits(1)}:00`;
  if (type.values !== undefined) return of(type.values);
  switch (type.scalar) {
    case "string":
      return of(TEXTS);
    case "bool":
      return random.below(2) === 0;
    case "int32":
      return of(NUMBERS);
    case "int64":
      return of([...NUMBERS, ...LARGE_NUMBERS]);
    case "float64":
      return of(FRACTIONS);
    case "bytes":
      return Buffer.from(of(TEXTS)).toString("base64");
    case "Time":
      return `${time()}Z`;
    case "MicroTime":
      return `${time()}.${digits(6)}Z`;
    case "Duration":
      return `${1 + random.below(59)}s`;
    case "Quantity":
      return `${1 + random.below(1_000_000) * 10}m`;
    case "IntOrString":
      return of([...NUMBERS, ...TEXTS]);
    case "FieldsV1":
    case "RawExtension":
      return { [of(["a", "f:x", "."])]: of(JSON_VALUES) };
    case "JSON":
      return of(JSON_VALUES);
  }
}
