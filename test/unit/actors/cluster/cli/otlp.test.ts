import { describe, expect, it } from "vitest";
import { otlpOf } from "../../../../../actors/cluster/cli/otlp.ts";

describe("--otlp", () => {
  it.each([
    ["http://tempo:4318", {}, "http://tempo:4318"],
    [true, {}, { url: "http://localhost:4318/v1/traces", headers: {} }],
    [
      true,
      { OTEL_EXPORTER_OTLP_ENDPOINT: "https://a.example/otlp/" },
      { url: "https://a.example/otlp/v1/traces", headers: {} },
    ],
    [
      true,
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://a", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://b/x" },
      { url: "http://b/x", headers: {} },
    ],
    [
      true,
      { OTEL_EXPORTER_OTLP_HEADERS: "api-key=se%20cret, x-team = a=b," },
      { url: "http://localhost:4318/v1/traces", headers: { "api-key": "se cret", "x-team": "a=b" } },
    ],
  ] as const)("%j with %j names %j", (given, environment, target) => {
    expect(otlpOf(given, environment)).toEqual(target);
  });

  it("refuses headers that are none, without their values", () => {
    expect(() => otlpOf(true, { OTEL_EXPORTER_OTLP_HEADERS: "nothing" })).toThrow("nothing is not as name=value");
  });
});
