/** Small languages: of any text they give a value or a refusal, and soon. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeContinue, encodeContinue } from "../../../../../actors/api-server/core/cache/continue-token.ts";
import { CelBudget, evaluateCel } from "../../../../../actors/api-server/core/cel/evaluate.ts";
import { compileCel } from "../../../../../actors/api-server/core/cel/compile.ts";
import { BASE_OVERLOADS } from "../../../../../actors/api-server/core/cel/overloads.ts";
import type { CelEnvironment } from "../../../../../actors/api-server/core/cel/type-check.ts";
import { DYN_TYPE } from "../../../../../actors/api-server/core/cel/types.ts";
import { CelBudgetError, CelError } from "../../../../../actors/api-server/core/cel/values.ts";
import { hasFormat } from "../../../../../actors/api-server/core/custom/formats.ts";
import { find, parseJsonPath } from "../../../../../actors/api-server/core/custom/json-path.ts";
import { patternProblem, Patterns } from "../../../../../actors/api-server/core/custom/patterns.ts";
import { parseSchedule, timeZoneProblems } from "../../../../../protocols/kubernetes/cron-schedule.ts";
import { parseManagers } from "../../../../../actors/api-server/core/managed-fields/managers.ts";
import { age } from "../../../../../actors/api-server/core/machinery/duration.ts";
import { compileSelection } from "../../../../../actors/api-server/core/machinery/selectors.ts";
import {
  canonicalMicroTime,
  canonicalTime,
  parseTimeMs,
} from "../../../../../actors/api-server/core/machinery/time.ts";
import {
  canonicalIp,
  lenientIp,
  lenientRange,
  parseIp,
  parseIpRange,
} from "../../../../../actors/api-server/core/machinery/validation/ip.ts";
import { notAcceptable, negotiate } from "../../../../../actors/api-server/core/rest/negotiation.ts";
import { logOptions } from "../../../../../actors/api-server/core/rest/log-options.ts";
import { parseGroupPath, parseResourcePath, splitPath } from "../../../../../actors/api-server/core/rest/path.ts";
import {
  deleteOptions,
  listOptions,
  parseQuery,
  watchOptions,
  writeOptions,
} from "../../../../../actors/api-server/core/rest/query.ts";
import { readClaims } from "../../../../../actors/api-server/core/tokens/claims.ts";
import { finished, Pace } from "../../../../../actors/api-server/core/steps.ts";
import { statusOf } from "../../../../../protocols/api-server.ts";
import type { ManagedFieldsEntry } from "../../../../../protocols/kubernetes/types/meta-v1.ts";
import { canonicalQuantity, formatQuantity, tryParseQuantity } from "../../../../../protocols/kubernetes/quantity.ts";
import { catalog, servedAs } from "../harness/catalog.ts";
import { allowed, expectPlain, hostileJson, hostileText, RUNS } from "./hostile.ts";

const pods = servedAs("v1", "pods");
const object = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "a", labels: { app: "x" } },
  spec: { ports: [{ a: 1 }] },
};

function holds(tokens: readonly string[], check: (text: string) => void): void {
  fc.assert(fc.property(hostileText(tokens), check), RUNS);
}

describe("of any text", () => {
  it("a selector is one, or refused", () => {
    holds(
      [
        "app",
        "=",
        "==",
        "!=",
        " in ",
        " notin ",
        "(",
        ")",
        ",",
        "!",
        ">",
        "<",
        "x",
        "/",
        ".",
        "-",
        "\\",
        "metadata.name",
      ],
      (text) => {
        for (const [labels, fields] of [
          [text, undefined],
          [undefined, text],
          [text, text],
        ] as const) {
          const selection = allowed(() => compileSelection(pods.info, labels, fields));
          if (selection !== undefined) expect(selection).toBeDefined();
        }
      },
    );
  });

  it("a quantity is one or none, and what it is written as is the same", () => {
    holds(["1", "0", ".", "e", "E", "k", "Ki", "m", "u", "n", "-", "+", "Gi", "5"], (text) => {
      const parsed = tryParseQuantity(text);
      if (parsed === undefined) return;
      const written = formatQuantity(parsed);
      expect(canonicalQuantity(text)).toBeDefined();
      expect(tryParseQuantity(written)).toBeDefined();
      expect(canonicalQuantity(written)).toBe(written);
    });
  });

  it("times, durations, formats and schedules are such or none", () => {
    const formats = [
      "duration",
      "date",
      "date-time",
      "uuid",
      "ipv4",
      "cidr",
      "email",
      "hostname",
      "uri",
      "byte",
      "mac",
      "isbn",
      "creditcard",
    ];
    holds(
      [
        "2024",
        "-",
        ":",
        "T",
        "Z",
        "1",
        "h",
        "m",
        "s",
        ".",
        "+",
        "/",
        "*",
        ",",
        " ",
        "@every ",
        "TZ=",
        "MON",
        "Europe/Berlin",
      ],
      (text) => {
        parseTimeMs(text);
        const canonical = canonicalTime(text);
        if (canonical !== undefined) expect(canonicalTime(canonical)).toBe(canonical);
        canonicalMicroTime(text);
        age(text, 0);
        for (const format of formats) expect(typeof hasFormat(format, text)).toBe("boolean");
        parseSchedule(text);
        timeZoneProblems(text);
      },
    );
  });

  it("an address or a range is one, or told why not", () => {
    holds(["1", "255", "0", ".", ":", "::", "/", "ffff", "24", "%eth0"], (text) => {
      parseIp(text);
      parseIpRange(text);
      for (const problems of [lenientIp(text), canonicalIp(text), lenientRange(text)])
        expect(Array.isArray(problems)).toBe(true);
    });
  });

  it("a JSONPath is one or none, and finds in any object", () => {
    holds(
      [
        ".",
        "..",
        "[",
        "]",
        "*",
        "?(",
        ")",
        "@",
        "$",
        "'",
        '"',
        "\\",
        "==",
        "<",
        ":",
        ",",
        "0",
        "-1",
        "spec",
        "ports",
        "a",
      ],
      (text) => {
        const path = parseJsonPath(text);
        if (path !== undefined) find(path, object);
      },
    );
  });

  it("a pattern is one that matches in linear time, or told why not", () => {
    holds(
      [
        "a",
        "(",
        ")",
        "[",
        "]",
        "*",
        "+",
        "?",
        "{2,9}",
        "|",
        "^",
        "$",
        "\\d",
        "\\p{L}",
        "(?i)",
        "(?=",
        "(?P<n>",
        "-",
        ".",
      ],
      (text) => {
        if (patternProblem(text) === undefined) new Patterns().matches(text, "a1".repeat(50));
      },
    );
  });

  it("an expression in CEL is parsed, checked and run within its budget, or told what is wrong", () => {
    const tokens = [
      "self",
      ".",
      "a",
      "(",
      ")",
      "[",
      "]",
      "+",
      "-",
      "&&",
      "||",
      "!",
      "==",
      "<",
      "?",
      ":",
      "1",
      "1u",
      "1.5",
      "'x'",
      "{",
      "}",
      ",",
      "has(",
      ".all(x, ",
      ".map(x, ",
      "size(",
      "matches(",
      "duration('1s')",
      " in ",
      "string(",
      "int(",
    ];
    const variables = new Map([["self", DYN_TYPE]]);
    const environment: CelEnvironment = {
      variables,
      overloads: BASE_OVERLOADS,
      fieldsOf: () => undefined,
      bind: false,
    };
    holds(tokens, (text) => {
      const compiled = finished(compileCel(text, environment, new Pace()));
      if ("problem" in compiled) return;
      try {
        evaluateCel(compiled.expression, { self: object }, new CelBudget(100_000));
      } catch (error) {
        expect([CelBudgetError, CelError].some((one) => error instanceof one) ? "told" : error).toBe("told");
      }
    });
  });
});

describe("of a request", () => {
  it("any Accept header is served or not acceptable", () => {
    holds(
      [
        "application/json",
        "application/yaml",
        "application/vnd.kubernetes.protobuf",
        "*/*",
        ";",
        ",",
        "as=Table",
        "g=meta.k8s.io",
        "v=v1",
        "q=0.5",
        " ",
        "stream=watch",
      ],
      (text) => {
        for (const offer of ["object", "list", "watch", "discovery", "plain"] as const) {
          if (negotiate(text, offer, "all") === undefined)
            expect(statusOf(notAcceptable(text, offer, "*core.Pod"))?.code).toBe(406);
        }
      },
    );
  });

  it("any query is options or refused", () => {
    const names = [
      "limit=",
      "continue=",
      "&",
      "=",
      "resourceVersion=",
      "resourceVersionMatch=",
      "NotOlderThan",
      "dryRun=All",
      "force=true",
      "fieldManager=",
      "watch=1",
      "timeoutSeconds=",
      "gracePeriodSeconds=",
      "sendInitialEvents=true",
      "%41",
      "+",
      "propagationPolicy=",
      "fieldValidation=",
      "tailLines=",
      "sinceTime=",
    ];
    holds(names, (text) => {
      const query = allowed(() => parseQuery(text));
      if (query === undefined) return;
      allowed(() => listOptions(query));
      allowed(() => watchOptions(query));
      for (const kind of ["CreateOptions", "UpdateOptions", "PatchOptions"] as const)
        allowed(() => writeOptions(query, kind));
      allowed(() => deleteOptions(query, {}));
      allowed(() => logOptions("a", query));
    });
  });

  it("any path is a resource's, a group's or nothing's", () => {
    holds(
      [
        "/",
        "api",
        "apis",
        "v1",
        "apps",
        "namespaces",
        "pods",
        "watch",
        "default",
        "status",
        "%2f",
        "..",
        "%",
        "deployments",
      ],
      (text) => {
        const segments = splitPath(text);
        if (segments === undefined) return;
        parseGroupPath(segments);
        parseResourcePath(catalog, segments);
      },
    );
  });

  it("any token to continue with is one, or told why not, and one of ours is what it was", () => {
    const text = fc.oneof(
      hostileText(),
      hostileJson(["v", "rv", "start"]).map((value) => btoa(unescape(encodeURIComponent(JSON.stringify(value) ?? "")))),
    );
    fc.assert(
      fc.property(text, (token) => void decodeContinue(token, "default")),
      RUNS,
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 50 }), fc.stringMatching(/^[a-z0-9.-]{1,20}$/), (revision, name) => {
        const start = `default/${name}\u0000`;
        expect(decodeContinue(encodeContinue({ revision, start }), "default")).toEqual({ revision, start });
      }),
      RUNS,
    );
  });

  it("claims of any shape are an account's or nobody's", () => {
    const value = hostileJson([
      "aud",
      "exp",
      "iss",
      "sub",
      "jti",
      "iat",
      "nbf",
      "kubernetes.io",
      "namespace",
      "serviceaccount",
      "name",
    ]);
    fc.assert(
      fc.property(value, (payload) => void readClaims(payload)),
      RUNS,
    );
  });

  it("managedFields of any shape are understood, or told why not", () => {
    const fields = hostileJson([
      "f:spec",
      "f:a",
      ".",
      'k:{"name":"a"}',
      "v:1",
      "i:0",
      "f:",
      "k:{",
      "x:a",
      "f:__proto__",
    ]);
    fc.assert(
      fc.property(fields, (fieldsV1) => {
        const given = {
          manager: "m",
          operation: "Update",
          apiVersion: "v1",
          fieldsType: "FieldsV1",
          fieldsV1,
        } as unknown;
        const parsed = parseManagers([given as ManagedFieldsEntry]);
        if ("why" in parsed) expect(typeof parsed.why).toBe("string");
        else for (const { fields: set } of parsed.values()) expectPlain(set);
      }),
      RUNS,
    );
  });
});
