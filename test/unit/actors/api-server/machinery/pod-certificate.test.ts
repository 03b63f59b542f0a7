/** Bounds as in Kubernetes `pkg/apis/certificates/validation`. */
import { describe, expect, it } from "vitest";
import { validateIssued } from "../../../../../actors/api-server/core/kinds/certificates/pod-certificate.ts";
import { parseCertificate } from "../../../../../actors/api-server/core/kinds/certificates/x509.ts";
import { pemBlocks } from "../../../../../actors/api-server/core/machinery/pem.ts";
import { FieldErrors } from "../../../../../actors/api-server/core/machinery/validation/field-errors.ts";
import type { PodCertificateRequest } from "../../../../../protocols/kubernetes/types/certificates-v1.ts";

function pem(...lines: readonly string[]): string {
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

// Made by `openssl ca`, all from 2030-01-01T00:00:00Z on.
const HOUR = pem(
  "MIIBATCBpwIBATAKBggqhkjOPQQDAjANMQswCQYDVQQDDAJjYTAeFw0zMDAxMDEw",
  "MDAwMDBaFw0zMDAxMDEwMTAwMDBaMAwxCjAIBgNVBAMMAWEwWTATBgcqhkjOPQIB",
  "BggqhkjOPQMBBwNCAASIBpwEeD2lN25DU2l6c4fMr+kZUiUHgwd5wigSJpPrV/X8",
  "N69fAx7qd11Kt9g1zt0pTBJzaKoJOK6yn/YrSs3fMAoGCCqGSM49BAMCA0kAMEYC",
  "IQCF1LWpCwmofowOEpJtM1dJnK6fWDSP/U+l3AYyT+3lTQIhAL6ME7vyeXxmX2P5",
  "8MViMMkBhyOEB6Tw8dESnUz+H0T9",
);
const LONGER = pem(
  "MIIBATCBpwIBATAKBggqhkjOPQQDAjANMQswCQYDVQQDDAJjYTAeFw0zMDAxMDEw",
  "MDAwMDBaFw0zMDAxMDEwMTAwMDFaMAwxCjAIBgNVBAMMAWEwWTATBgcqhkjOPQIB",
  "BggqhkjOPQMBBwNCAASIBpwEeD2lN25DU2l6c4fMr+kZUiUHgwd5wigSJpPrV/X8",
  "N69fAx7qd11Kt9g1zt0pTBJzaKoJOK6yn/YrSs3fMAoGCCqGSM49BAMCA0kAMEYC",
  "IQCxHVBaLIldMCswCZ+G+wQZP1aYedDRKzwZKgMcdCQCwwIhALKfqm76RaRNbGKJ",
  "edFYqgy9e+DCxyFDWK1mWd1qZF0o",
);
const SHORTER = pem(
  "MIIBADCBpwIBATAKBggqhkjOPQQDAjANMQswCQYDVQQDDAJjYTAeFw0zMDAxMDEw",
  "MDAwMDBaFw0zMDAxMDEwMDU5NTlaMAwxCjAIBgNVBAMMAWEwWTATBgcqhkjOPQIB",
  "BggqhkjOPQMBBwNCAASIBpwEeD2lN25DU2l6c4fMr+kZUiUHgwd5wigSJpPrV/X8",
  "N69fAx7qd11Kt9g1zt0pTBJzaKoJOK6yn/YrSs3fMAoGCCqGSM49BAMCA0gAMEUC",
  "IQDrNu6VQTvF5qHPsLVUrS/wcegaGC2JClOcZd7lzNhpcgIgY6m/Qyln5pkyKWDi",
  "o6KyJNlTWAD9U64k1X3xMpN+gLE=",
);
/** Of another key on the same curve. */
const OTHER = pem(
  "MIIBADCBpwIBATAKBggqhkjOPQQDAjANMQswCQYDVQQDDAJjYTAeFw0zMDAxMDEw",
  "MDAwMDBaFw0zMDAxMDEwMTAwMDBaMAwxCjAIBgNVBAMMAWEwWTATBgcqhkjOPQIB",
  "BggqhkjOPQMBBwNCAARslq+1lSiNeQGIvBC3ucDk+pbRoauvfRUk/N3NcnwZES36",
  "2c9PWcAPzTCAMi5ntzVlPsBwlFHA23kSds13DDYuMAoGCCqGSM49BAMCA0gAMEUC",
  "IHzjDmhTjVvrMo1gqSX4f9X/BSnPhQn+gP/ff6cwqd7YAiEA14bmr1149+TpHhqp",
  "a38rgM/jjYOCvToJh42SXXvrMhA=",
);

const key = parseCertificate(pemBlocks(HOUR)[0]?.bytes ?? new Uint8Array())?.key;

function problemOf(
  chain: string,
  times: Partial<PodCertificateRequest["status"]> = {},
  nowMs?: number,
): string | undefined {
  const request = {
    spec: { maxExpirationSeconds: 3_600 },
    status: {
      certificateChain: chain,
      notBefore: "2030-01-01T00:00:00Z",
      notAfter: "2030-01-01T01:00:00Z",
      beginRefreshAt: "2030-01-01T00:30:00Z",
      ...times,
    },
  } as PodCertificateRequest;
  const errors = new FieldErrors();
  validateIssued(request, key, errors, nowMs);
  return errors.causes[0]?.message?.replace(/^Invalid value: [^]*: (?=must|leaf)/, "");
}

describe("the certificate that a pod's kubelet gets", () => {
  it.each([
    [-300, false],
    [-299, true],
    [0, true],
    [299, true],
    [300, false],
  ])("may begin %d seconds from now: %s", (seconds, isTaken) => {
    const nowMs = Date.parse("2030-01-01T00:00:00Z") - seconds * 1_000;
    const detail = "must be set to within 5 minutes of kube-apiserver's current time";
    expect(problemOf(HOUR, {}, nowMs)).toBe(isTaken ? undefined : detail);
  });

  it.each([
    ["2030-01-01T00:09:59Z", "must be at least 10 minutes after status.notBefore"],
    ["2030-01-01T00:10:00Z", undefined],
    ["2030-01-01T00:50:00Z", undefined],
    ["2030-01-01T00:50:01Z", "must be at least 10 minutes before status.notAfter"],
  ])("may be renewed from %s on, or not: %s", (beginRefreshAt, problem) => {
    expect(problemOf(HOUR, { beginRefreshAt })).toBe(problem);
  });

  it("lives for an hour at least, and as long as was asked for at most", () => {
    expect(problemOf(SHORTER, { notAfter: "2030-01-01T00:59:59Z" })).toBe(
      "leaf certificate lifetime must be >= 1 hour",
    );
    expect(problemOf(LONGER, { notAfter: "2030-01-01T01:00:01Z" })).toBe(
      "leaf certificate lifetime must be <= spec.maxExpirationSeconds (3600)",
    );
  });

  it("is of the key that was sent, and says its own times", () => {
    expect(problemOf(OTHER)).toBe("leaf certificate was not issued to the requested public key");
    expect(problemOf(HOUR, { notBefore: "2030-01-01T00:00:01Z" })).toContain("NotBefore time encoded");
    expect(problemOf(HOUR, { notAfter: "2030-01-01T01:00:01Z" })).toContain("NotAfter time encoded");
  });
});
