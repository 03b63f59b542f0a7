import { describe, expect, it } from "vitest";
import { postOtlp } from "../../../../../actors/trace-collector/io/otlp-post.ts";
import type { OtlpAnswer } from "../../../../../actors/trace-collector/core/otlp-outbox.ts";
import type { Answer } from "../../../../fixtures/otlp-collector.ts";
import { otlpCollector } from "../../../../fixtures/otlp-collector.ts";

const body = JSON.stringify({ resourceSpans: [] });

describe("a request of OTLP over HTTP", () => {
  it.each<[Answer, OtlpAnswer]>([
    [
      { status: 200, body: "{}" },
      { outcome: "taken", rejected: 0 },
    ],
    [{ status: 202 }, { outcome: "taken", rejected: 0 }],
    [
      { status: 200, body: '{"partialSuccess":{"rejectedSpans":"3","errorMessage":"old"}}' },
      { outcome: "taken", rejected: 3 },
    ],
    [
      { status: 429, headers: { "retry-after": "7" } },
      { outcome: "busy", why: "HTTP 429", afterMs: 7_000 },
    ],
    [
      { status: 503, body: "full" },
      { outcome: "busy", why: "HTTP 503: full" },
    ],
    [
      { status: 503, headers: { "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT" } },
      { outcome: "busy", why: "HTTP 503" },
    ],
    [
      { status: 400, body: "no" },
      { outcome: "refused", why: "HTTP 400: no" },
    ],
    [{ status: 404 }, { outcome: "refused", why: "HTTP 404" }],
  ])("that is answered with %j is %j", async (given, answer) => {
    await using collector = await otlpCollector(() => given);
    expect(await postOtlp({ url: `${collector.url}/v1/traces`, headers: { "x-team": "a" } }, body)).toEqual(answer);
    expect(collector.requests).toMatchObject([
      {
        path: "POST /v1/traces",
        headers: { "content-type": "application/json", "content-encoding": "gzip", "x-team": "a" },
      },
    ]);
    expect(collector.problems).toEqual([]);
  });

  it("that nobody takes, or that is called off, may be made again", async () => {
    const { url } = await (async () => {
      await using gone = await otlpCollector();
      return gone;
    })();
    expect(await postOtlp({ url, headers: {} }, body)).toMatchObject({
      outcome: "busy",
      why: expect.stringContaining("ECONNREFUSED") as string,
    });
    await using silent = await otlpCollector(() => undefined);
    const limit = new AbortController();
    const answered = postOtlp({ url: silent.url, headers: {} }, body, limit.signal);
    limit.abort();
    expect(await answered).toMatchObject({ outcome: "busy" });
  });
});
