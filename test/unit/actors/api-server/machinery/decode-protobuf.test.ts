import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeObject } from "../../../../../actors/api-server/core/machinery/decode-object.ts";
import { decodeProtobuf, isProtobuf } from "../../../../../actors/api-server/core/machinery/decode-protobuf.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import { statusOf } from "../../../../../protocols/api-server.ts";
import type { FieldType } from "../../../../../protocols/kubernetes/schema/schema.ts";
import { findType, PACKAGES } from "../../../../../protocols/kubernetes/schema/schema.ts";
import { readFixture } from "./oracle-fixture.ts";

interface Case {
  readonly from: string;
  readonly base64: string;
  readonly object?: KubernetesObject;
}

const { cases } = readFixture("protobuf") as { cases: Case[] };

function bytesOf({ base64 }: Case): Uint8Array {
  return new Uint8Array(Buffer.from(base64, "base64"));
}

function decode(bytes: Uint8Array): KubernetesObject {
  const object = decodeProtobuf(bytes);
  const kind = { apiVersion: object.apiVersion ?? "", kind: object.kind ?? "" };
  return decodeObject(kind, { value: object, duplicates: [] }, "Strict").object;
}

function sent(request: string): KubernetesObject {
  const found = cases.find(({ from }) => from === `kubectl POST ${request}`);
  if (found === undefined) throw new Error(`no body of ${request}`);
  return decode(bytesOf(found));
}

describe("decodeProtobuf", () => {
  for (const one of cases.filter(({ object }) => object !== undefined)) {
    it(`reads what the server answers as protobuf as what it answers as JSON: ${one.from}`, () => {
      expect(decode(bytesOf(one))).toEqual(one.object);
    });
  }

  it("reads the bodies that kubectl create sends", () => {
    expect(sent("/api/v1/namespaces/default/configmaps")).toEqual({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "kc" },
      data: { a: "1", b: "ü" },
    });
    expect(sent("/api/v1/namespaces/default/secrets")).toMatchObject({ data: { p: "c2VjcmV0" } });
    expect(sent("/api/v1/namespaces")).toMatchObject({ kind: "Namespace", metadata: { name: "kn" } });
    expect(sent("/apis/apps/v1/namespaces/default/deployments")).toMatchObject({
      metadata: { name: "kd", labels: { app: "kd" } },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: "kd" } },
        template: { spec: { containers: [{ name: "nginx", image: "nginx:1.25", ports: [{ containerPort: 80 }] }] } },
      },
    });
    expect(sent("/api/v1/namespaces/default/services")).toMatchObject({
      spec: { type: "ClusterIP", ports: [{ name: "80-8080", port: 80, targetPort: 8080 }] },
    });
    expect(sent("/api/v1/namespaces/default/serviceaccounts")).toMatchObject({ metadata: { name: "ka" } });
    expect(sent("/api/v1/namespaces/default/serviceaccounts/ka/token")).toMatchObject({ kind: "TokenRequest" });
  });

  it("refuses other bytes and unknown kinds with 400", () => {
    const status = (bytes: Uint8Array): number | undefined => {
      try {
        decodeProtobuf(bytes);
      } catch (error) {
        return statusOf(error)?.code;
      }
      return undefined;
    };
    expect(status(new TextEncoder().encode('{"kind":"Pod"}'))).toBe(400);
    expect(isProtobuf(new Uint8Array([0x6b, 0x38, 0x73, 0x00]))).toBe(true);
    expect(status(new Uint8Array([0x6b, 0x38, 0x73, 0x00]))).toBe(400);
    const autoscaler = cases.find(({ from }) => from.endsWith("horizontalpodautoscalers"));
    if (autoscaler === undefined) throw new Error("no body of a HorizontalPodAutoscaler");
    const named = Buffer.from(autoscaler.base64, "base64").toString("latin1");
    const unknown = Buffer.from(named.replace("HorizontalPodAutoscaler", "HorizontalPodAutoscaleX"), "latin1");
    expect(status(bytesOf(autoscaler))).toBeUndefined();
    expect(status(new Uint8Array(unknown))).toBe(400);
  });

  it("answers damaged bytes with 400 or an object, never with another error", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...cases),
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        fc.nat(),
        (one, at, byte, cut) => {
          const bytes = bytesOf(one);
          bytes[at % bytes.length] = byte;
          try {
            decodeProtobuf(bytes.subarray(0, cut % 2 === 0 ? bytes.length : cut % bytes.length));
          } catch (error) {
            expect(statusOf(error)?.code).toBe(400);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("the schema", () => {
  it("holds every type that it names, with numbers that are unique in their message", () => {
    const seen = new Set<string>();
    const visit = (type: NonNullable<ReturnType<typeof findType>>): void => {
      if (seen.has(type.openApiName)) return;
      seen.add(type.openApiName);
      const numbers = [...type.ownFields, ...type.inlined].map(({ number }) => number).filter((number) => number > 0);
      expect(new Set(numbers).size, type.openApiName).toBe(numbers.length);
      for (const { type: inlined } of type.inlined) visit(inlined);
      for (const field of type.ownFields) visitType(field.type);
    };
    const visitType = (type: FieldType): void => {
      if (type.is === "object") visit(type.type);
      else if (type.is === "list" || type.is === "map") visitType(type.of);
      else if (type.is === "either") for (const form of type.forms) visitType(form.type);
    };
    for (const { apiVersion, types } of PACKAGES) {
      for (const [name, text] of Object.entries(types)) {
        if (text.startsWith("\n| ")) continue;
        const type = findType(apiVersion, name);
        expect(type, `${apiVersion} ${name}`).toBeDefined();
        if (type !== undefined) visit(type);
      }
    }
    expect(seen.size).toBeGreaterThan(550);
  });
});
