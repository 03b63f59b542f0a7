import fc from "fast-check";
import { describe, it } from "vitest";
import { decodeBody, decodeConfiguration, decodeDeleteOptions } from "../../../../../actors/api-server/io/bodies.ts";
import type { HttpRequest } from "../../../../../actors/api-server/io/http-messages.ts";
import { readConfiguration } from "../../../../../actors/api-server/core/managed-fields/configuration.ts";
import { decodeProtobuf } from "../../../../../actors/api-server/core/machinery/decode-protobuf.ts";
import { encodeProtobuf } from "../../../../../actors/api-server/core/machinery/encode-protobuf.ts";
import { warningsOf } from "../../../../../actors/api-server/core/machinery/warnings.ts";
import { prepareCreate } from "../../../../../actors/api-server/core/registry/write.ts";
import type { Served } from "../../../../../actors/api-server/core/catalog/catalog.ts";
import { finished } from "../../../../../actors/api-server/core/steps.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import { catalog, servedAs } from "../harness/catalog.ts";
import { creationOf } from "../harness/creation.ts";
import { counted, filled, MESSAGE_KINDS } from "../machinery/filled.ts";
import { allowed, expectPlain, FEW_RUNS, hostileJson, hostileText, RUNS } from "./hostile.ts";

const encoder = new TextEncoder();
const FIELDS = [
  "apiVersion",
  "kind",
  "metadata",
  "name",
  "labels",
  "spec",
  "data",
  "containers",
  "image",
  "rules",
  "template",
];
const stored = catalog.all.filter((served) => served.stored === served && served.info.verbs.includes("create"));
const pods = servedAs("v1", "pods");

function request(contentType: string, body: Uint8Array): HttpRequest {
  const headers = { "content-type": contentType };
  return {
    method: "POST",
    url: "/",
    headers,
    auditId: "",
    rawHeaders: [],
    user: undefined,
    remoteAddress: () => "",
    localAddress: "127.0.0.1:1",
    body,
  };
}

/** The object is prepared and validated as by a request. */
function create(served: Served, object: KubernetesObject): void {
  const prepared = finished(prepareCreate(served, object, creationOf(served, object)));
  expectPlain(prepared);
  warningsOf(served.rules, prepared, undefined);
}

const media = fc.constantFrom("application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "text/x");
const validation = fc.constantFrom("Strict", "Warn", "Ignore");

describe("a body", () => {
  it("of any bytes and media type is an object or refused", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      hostileText([
        "{",
        "}",
        "[",
        "]",
        '"',
        ":",
        ",",
        "- ",
        "? ",
        "&a ",
        "*a",
        "!!binary ",
        "|\n",
        "<<: ",
        "---\n",
        "#",
      ]).map((text) => encoder.encode(text)),
    );
    fc.assert(
      fc.property(media, bytes, validation, (type, body, strictness) => {
        allowed(() => decodeBody(request(type, body), pods.form, strictness));
        allowed(() => readConfiguration(pods.form, decodeConfiguration(request(type, body))));
        allowed(() => decodeDeleteOptions(request(type, body)));
      }),
      RUNS,
    );
  });

  it("that is JSON of any shape is an object of any kind, or refused, as JSON and as YAML", () => {
    const value = hostileJson(FIELDS);
    fc.assert(
      fc.property(fc.constantFrom(...stored), value, validation, (served, any, strictness) => {
        const { apiVersion, kind } = served.info;
        const whole =
          typeof any === "object" && any !== null && !Array.isArray(any) ? { ...any, apiVersion, kind } : any;
        const body = encoder.encode(JSON.stringify(whole) ?? "null");
        for (const type of ["application/json", "application/yaml"]) {
          const decoded = allowed(() => decodeBody(request(type, body), served.form, strictness));
          if (decoded !== undefined) allowed(() => create(served, decoded.object));
        }
      }),
      RUNS,
    );
  });
});

describe("an object of every kind", () => {
  it("in which any one value is another one is taken or refused", () => {
    const places = fc.tuple(fc.constantFrom(...stored), fc.nat(), hostileJson(FIELDS));
    fc.assert(
      fc.property(places, ([served, at, value]) => {
        const whole = fullOf(served);
        if (whole === undefined) return;
        const spots = placesIn(whole);
        const spot = spots[at % Math.max(spots.length, 1)];
        if (spot !== undefined) (spot.holder as Record<string, unknown>)[spot.key] = value;
        const decoded = allowed(() => served.form.decode({ value: whole, duplicates: [] }, "Ignore"));
        if (decoded !== undefined) allowed(() => create(served, decoded.object));
      }),
      RUNS,
    );
  });

  it("as protobuf with some bytes changed, cut or doubled is an object or refused", () => {
    const change = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom(...MESSAGE_KINDS), change, fc.nat(), (one, changes, cut) => {
        const bytes = encodeProtobuf(one.type, filled(one, counted()));
        for (const [at, byte] of changes) bytes[4 + (at % (bytes.length - 4))] = byte;
        const twice = Uint8Array.from([...bytes, ...bytes.subarray(4)]);
        for (const changed of [bytes, bytes.subarray(0, cut % bytes.length), twice]) {
          const found = allowed(() => decodeProtobuf(changed));
          if (found !== undefined) expectPlain(found);
        }
      }),
      FEW_RUNS,
    );
  });
});

interface Place {
  readonly holder: object;
  readonly key: string;
}

function placesIn(value: unknown): readonly Place[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [{ holder: value, key }, ...placesIn(item)]);
}

function fullOf({ info }: Served): object | undefined {
  const found = MESSAGE_KINDS.find(({ apiVersion, kind }) => apiVersion === info.apiVersion && kind === info.kind);
  return found === undefined ? undefined : (JSON.parse(JSON.stringify(filled(found, counted()))) as object);
}
