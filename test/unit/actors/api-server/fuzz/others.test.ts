/** What comes from others than clients' bodies: headers, certificates, and what servers that are asked answer. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  asTold,
  openApiOf,
  resourcesOf,
  resourcesOfList,
} from "../../../../../actors/api-server/core/aggregation/remote-discovery.ts";
import {
  parseCertificate,
  parseCertificateRequest,
} from "../../../../../actors/api-server/core/kinds/certificates/x509.ts";
import { summaryIn } from "../../../../../actors/api-server/core/kinds/metrics/summary.ts";
import { canonicalElement } from "../../../../../actors/api-server/core/managed-fields/path-element.ts";
import { DerError } from "../../../../../protocols/der-reader.ts";
import { goDuration } from "../../../../../actors/api-server/core/machinery/duration.ts";
import { parseGoDuration } from "../../../../../protocols/kubernetes/go-duration.ts";
import { pemBlocks } from "../../../../../actors/api-server/core/machinery/pem.ts";
import { impersonated } from "../../../../../actors/api-server/core/rest/impersonation.ts";
import { preferredType } from "../../../../../actors/api-server/core/rest/negotiation.ts";
import {
  isProxyPath,
  parseProxyPath,
  passedOn,
  remoteUserHeaders,
} from "../../../../../actors/api-server/core/rest/proxying.ts";
import { parseQuery } from "../../../../../actors/api-server/core/rest/query.ts";
import { remoteRequest } from "../../../../../actors/api-server/core/rest/remote-request.ts";
import { managerOfUserAgent } from "../../../../../actors/api-server/core/rest/user-agent.ts";
import { readConversion } from "../../../../../actors/api-server/core/webhooks/conversion-review.ts";
import { targetOf } from "../../../../../actors/api-server/core/webhooks/client-config.ts";
import { makeAuthority } from "../../../../../actors/cluster/io/certificates.ts";
import { auditIdOf } from "../../../../../actors/api-server/io/http-messages.ts";
import { allowed, expectPlain, hostileJson, hostileText, objectOf, RUNS } from "./hostile.ts";

function holds<T>(arbitrary: fc.Arbitrary<T>, check: (value: T) => void): void {
  fc.assert(
    fc.property(arbitrary, (value) => {
      check(value);
    }),
    RUNS,
  );
}

const ADMIN = { user: "admin", groups: ["system:masters"] };

describe("of a request's head", () => {
  const name = fc.constantFrom(
    "Impersonate-User",
    "Impersonate-Group",
    "Impersonate-Extra-%zz",
    "Audit-ID",
    "Connection",
  );
  const headers = fc.array(fc.tuple(name, hostileText([",", "close", "%41", "x-a"])), { maxLength: 6 });

  it("any headers name somebody, or are refused; what is passed on is theirs", () => {
    holds(headers, (pairs) => {
      const raw = pairs.flat();
      const user = allowed(() =>
        impersonated(ADMIN, raw, { asked: () => ({ verb: "get", path: "/", target: undefined }) }),
      );
      if (user !== undefined) expectPlain(remoteUserHeaders(user));
      expect(typeof auditIdOf(raw)).toBe("string");
      expect(Object.keys(passedOn(raw)).every((each) => !each.startsWith("impersonate-"))).toBe(true);
    });
  });

  it("any path leads through us, or nowhere, or is refused", () => {
    const tokens = [
      "/api/v1/",
      "namespaces/a/",
      "services/",
      "pods/",
      "nodes/",
      "https:",
      ":",
      "web",
      "/proxy",
      "?",
      "%zz",
    ];
    holds(hostileText(tokens), (text) => {
      const path = isProxyPath(text) ? allowed(() => parseProxyPath(text)) : undefined;
      if (path !== undefined) expect(path.name).not.toBe("");
      const query = allowed(() => parseQuery(text));
      if (query !== undefined) asTold(remoteRequest("GET", text.split("/"), query));
    });
  });

  it("any Accept header prefers one of what there is, or nothing", () => {
    const offers = ["application/json", "text/plain"];
    holds(hostileText(["*/*", "application/", "json", "text/", "*", ";q=0.5", ";q=x", ",", " "]), (text) => {
      expect([...offers, undefined]).toContain(preferredType(text, offers));
    });
  });

  it("any user agent is a manager's name", () => {
    holds(hostileText(["kubectl", "/", "v1.37", " ", "(linux)"]), (text) => {
      expect(managerOfUserAgent(text).length).toBeLessThanOrEqual(128);
    });
  });
});

describe("of a certificate", () => {
  const certificate = Uint8Array.from(pemBlocks(makeAuthority("fuzz", 0).certificate)[0]?.bytes ?? []);
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc
      .tuple(fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }), fc.nat())
      .map(([changes, cut]) => {
        const changed = Uint8Array.from(certificate);
        for (const [at, byte] of changes) changed[at % changed.length] = byte;
        return cut % 3 === 0 ? changed.subarray(0, cut % changed.length) : changed;
      }),
  );

  it("any bytes are one, or none, and a request, or told why not", () => {
    expect(parseCertificate(certificate)).toBeDefined();
    holds(bytes, (der) => {
      parseCertificate(der);
      try {
        parseCertificateRequest(der);
      } catch (error) {
        expect(error).toBeInstanceOf(DerError);
      }
    });
  });

  it("any text holds blocks of PEM, or none", () => {
    const tokens = ["-----BEGIN ", "-----END ", "CERTIFICATE", "-----", "\n", "AAAA", "=", "Proc-Type: 4", "\r"];
    holds(hostileText(tokens), (text) => {
      for (const block of pemBlocks(text)) expect(block.bytes).toBeInstanceOf(Uint8Array);
    });
  });
});

describe("of what others answer", () => {
  const NAMES = ["kind", "items", "metadata", "name", "versions", "version", "resources", "paths", "uid", "response"];
  const KINDS = ["APIGroupDiscoveryList", "APIResourceList", "ConversionReview", "Status"];
  const answer = fc
    .tuple(fc.constantFrom(...KINDS), hostileJson([...NAMES, "convertedObjects", "result", "status", "node", "pods"]))
    .map(([kind, value]) => (typeof value === "object" && value !== null ? { ...value, kind } : value));

  it("any document of discovery tells of resources, or of none", () => {
    holds(answer, (document) => {
      for (const found of [resourcesOf(document, "a", "v1"), resourcesOfList(document, "a", "v1")]) {
        if (found !== undefined) expect(Array.isArray(found)).toBe(true);
      }
      openApiOf(document, "a", "v1");
    });
  });

  it("any answer of a webhook is objects, or what is wrong with it", () => {
    const request = {
      uid: "u",
      desiredAPIVersion: "a/v2",
      objects: [{ apiVersion: "a/v1", kind: "A", metadata: { name: "a", uid: "1" } }],
    };
    const text = fc.oneof(
      hostileText(["{", "}", '"kind":', ",", "[", "]"]),
      answer.map((value) => JSON.stringify(value) ?? ""),
    );
    holds(fc.tuple(text, fc.constantFrom(200, 206, 400, 500)), ([body, code]) => {
      for (const version of ["v1", "v1beta1"] as const) {
        const read = readConversion(version, request, { code, type: "application/json", body });
        expect(read.error === undefined ? read.value?.length : typeof read.error).toBe(
          read.error === undefined ? 1 : "string",
        );
      }
    });
  });

  it("any text of a kubelet is a summary, or none", () => {
    const text = answer.map((value) => JSON.stringify(value) ?? "");
    holds(fc.oneof(text, hostileText(["{", "}", '"node":'])), (body) => void summaryIn(body));
  });

  it("any configuration of a webhook says where it is, or why not", () => {
    const url = hostileText(["https://", "http://", "a", ":", "8443", "/", "@", "?", "#", "[::1]"]);
    holds(url, (text) => expect(["string", "object"]).toContain(typeof targetOf({ url: text })));
  });
});

describe("of any text", () => {
  it("a duration is one, or told why not, and what is written of it is the same", () => {
    holds(hostileText(["1", "0", ".", "5", "h", "m", "s", "ms", "us", "µs", "ns", "-", "+"]), (text) => {
      const nanos = parseGoDuration(text);
      if (typeof nanos === "string") expect(nanos).toContain("duration");
      else if (Number.isSafeInteger(Number(nanos))) expect(parseGoDuration(goDuration(Number(nanos)))).toBe(nanos);
    });
  });

  it("an element of a path is one, or none, or told why not", () => {
    const key = hostileText(["f:", "k:", "v:", "i:", "{", "}", '"name":', '"a"', "1", "null"]);
    holds(
      fc.oneof(
        key,
        fc
          .tuple(fc.constantFrom("k:", "v:", "i:"), hostileJson(["name"]))
          .map(([of, value]) => of + JSON.stringify(value)),
      ),
      (text) => {
        canonicalElement(text);
        objectOf([[text, 1]]);
      },
    );
  });
});
