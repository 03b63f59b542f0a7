/** Source: X.690, RFC 7468. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  parseCertificate,
  parseCertificateRequest,
} from "../../../../../actors/api-server/core/kinds/certificates/x509.ts";
import { timeOf } from "../../../../../actors/api-server/core/kinds/certificates/x509.ts";
import { DerError, objectIdentifier, readDer } from "../../../../../protocols/der-reader.ts";
import { pemBlocks } from "../../../../../actors/api-server/core/machinery/pem.ts";

describe("DER", () => {
  it("is read with lengths of one byte and of several", () => {
    const long = Uint8Array.of(0x04, 0x82, 0x01, 0x00, ...Array.from({ length: 256 }, () => 7));
    expect(readDer(long).value.content).toHaveLength(256);
    expect(readDer(Uint8Array.of(0x05, 0x00, 0xff)).end).toBe(2);
  });

  it("is refused with a length that is not the shortest, is cut off, or is too large", () => {
    const read = (...bytes: readonly number[]): unknown => readDer(Uint8Array.from(bytes));
    const filled = (length: number): readonly number[] => Array.from({ length }, () => 7);
    expect(() => read(0x04, 0x81, 0x7f, ...filled(127))).toThrow("asn1: structure error: non-minimal length");
    expect(() => read(0x04, 0x81, 0x80, ...filled(128))).not.toThrow();
    expect(() => read(0x04, 0x82, 0x00, 0x80, ...filled(128))).toThrow("superfluous leading zeros in length");
    expect(() => read(0x04, 0x82, 0x01)).toThrow("asn1: syntax error: truncated tag or length");
    expect(() => read(0x04, 0x85, 1, 0, 0, 0, 0)).toThrow("asn1: structure error: length too large");
    expect(() => read(0x04, 0x80)).toThrow("asn1: syntax error: indefinite length found (not DER)");
  });

  it("tells object identifiers, and times of both forms", () => {
    const ed25519 = readDer(Uint8Array.of(0x06, 0x03, 0x2b, 0x65, 0x70)).value;
    expect(objectIdentifier(ed25519)).toBe("1.3.101.112");
    expect(objectIdentifier(readDer(Uint8Array.of(0x06, 0x02, 0x88, 0x37)).value)).toBe("2.999");
    const time = (tag: number, text: string): number | undefined =>
      timeOf(readDer(Uint8Array.of(tag, text.length, ...new TextEncoder().encode(text))).value);
    expect(time(23, "491231235959Z")).toBe(Date.UTC(2049, 11, 31, 23, 59, 59));
    expect(time(24, "20500101000000Z")).toBe(Date.UTC(2050, 0, 1));
    expect(time(24, "2050")).toBeUndefined();
  });

  it("of any bytes is read, or refused as what it is", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        parseCertificate(bytes);
        try {
          parseCertificateRequest(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(DerError);
        }
      }),
    );
  });
});

describe("PEM", () => {
  it("is found between other text, with its headers", () => {
    const text =
      "before\n-----BEGIN A-----\nYQ==\n-----END A-----\nx\n-----BEGIN B-----\nK: v\n\nYg==\n-----END B-----";
    const found = pemBlocks(text).map(({ type, headers, bytes }) => [type, headers, new TextDecoder().decode(bytes)]);
    expect(found).toEqual([
      ["A", false, "a"],
      ["B", true, "b"],
    ]);
  });

  it("whose end has another name, or whose text is no base64, is none", () => {
    expect(pemBlocks("-----BEGIN A-----\nYQ==\n-----END B-----\n")).toEqual([]);
    expect(pemBlocks("-----BEGIN A-----\n???\n-----END A-----\n")).toEqual([]);
  });
});
