/** What is asked by message, as kubectl and client-go ask it over HTTP. */
import { expect, it } from "vitest";
import { Lines, objectOf, refusal, watchEvent } from "../../../../actors/api-gateway/core/answers.ts";
import { httpRequest, listRequest, watchRequest } from "../../../../actors/api-gateway/core/http-request.ts";
import type { ApiRequest } from "../../../../protocols/api-server.ts";
import { hasReason, statusOf } from "../../../../protocols/api-server.ts";

const pods = { group: "", version: "v1", resource: "pods" };
const pod = { ...pods, namespace: "a", name: "p" };
const leases = { group: "coordination.k8s.io", version: "v1", resource: "leases", namespace: "n", name: "l" };

const CASES: readonly (readonly [ApiRequest, string, string | undefined])[] = [
  [{ verb: "get", target: pod, resourceVersion: "0" }, "GET /api/v1/namespaces/a/pods/p?resourceVersion=0", undefined],
  [
    { verb: "list", target: pods, options: { limit: 2, continue: "x=", fieldSelector: "spec.nodeName=n" } },
    "GET /api/v1/pods?fieldSelector=spec.nodeName%3Dn&limit=2&continue=x%3D",
    undefined,
  ],
  [
    { verb: "create", target: { ...pods, namespace: "a", name: "p" }, object: {}, options: { fieldManager: "m" } },
    "POST /api/v1/namespaces/a/pods?fieldManager=m",
    "application/json",
  ],
  [
    { verb: "create", target: { ...pod, subresource: "binding" }, object: {} },
    "POST /api/v1/namespaces/a/pods/p/binding",
    "application/json",
  ],
  [
    { verb: "update", target: leases, object: {}, options: { dryRun: true } },
    "PUT /apis/coordination.k8s.io/v1/namespaces/n/leases/l?dryRun=All",
    "application/json",
  ],
  [
    {
      verb: "patch",
      target: { ...pod, subresource: "status" },
      patchType: "application/strategic-merge-patch+json",
      patch: {},
    },
    "PATCH /api/v1/namespaces/a/pods/p/status",
    "application/strategic-merge-patch+json",
  ],
];

it.each(CASES)("%j", (request, line, contentType) => {
  const { method, path, contentType: type } = httpRequest(request);
  expect([`${method} ${path}`, type]).toEqual([line, contentType]);
});

it("deletes by options in the body, as kubectl does", () => {
  const options = { gracePeriodSeconds: 0, preconditions: { uid: "u" }, dryRun: true };
  expect(httpRequest({ verb: "delete", target: pod, options })).toMatchObject({
    method: "DELETE",
    body: { kind: "DeleteOptions", gracePeriodSeconds: 0, preconditions: { uid: "u" }, dryRun: ["All"] },
  });
});

it("watches one object by its name, and lists before where no revision is given", () => {
  const request = { target: pod, labelSelector: "x" };
  expect(watchRequest(request, "7").path).toBe(
    "/api/v1/namespaces/a/pods?watch=true&allowWatchBookmarks=true&resourceVersion=7&labelSelector=x&fieldSelector=metadata.name%3Dp",
  );
  expect(listRequest(request, { limit: 500 }).path).toBe(
    "/api/v1/namespaces/a/pods?labelSelector=x&fieldSelector=metadata.name%3Dp&limit=500",
  );
});

it("takes a Status as it is, and makes one of what is none", () => {
  const status = { kind: "Status", reason: "Conflict", code: 409, message: "m" };
  expect(hasReason(refusal(409, JSON.stringify(status)), "Conflict")).toBe(true);
  expect(statusOf(refusal(429, "slow down", "3"))).toMatchObject({ code: 429, details: { retryAfterSeconds: 3 } });
  expect(statusOf(refusal(502, ""))).toMatchObject({ code: 502, message: "HTTP 502" });
});

it("reads events, whose end is one of the type ERROR", () => {
  expect(watchEvent('{"type":"ADDED","object":{"metadata":{"name":"p"}}}')).toEqual({
    type: "ADDED",
    object: { metadata: { name: "p" } },
  });
  const gone = '{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}';
  expect(() => watchEvent(gone)).toThrow(expect.objectContaining({ details: expect.objectContaining({ code: 410 }) }));
  for (const text of ["{", '"x"', '{"type":"NEWS","object":{}}', '{"type":"ADDED"}'])
    expect(() => watchEvent(text)).toThrow(expect.objectContaining({ code: "BAD_ANSWER" }));
  expect(() => objectOf("<html>")).toThrow(expect.objectContaining({ code: "BAD_ANSWER" }));
});

it("cuts lines wherever the pieces end, also within a character, and bounds them", () => {
  const bytes = new TextEncoder().encode('{"é":1}\n\n{"ü":2}\n{"rest"');
  for (let cut = 0; cut <= bytes.length; cut++) {
    const lines = new Lines(64);
    expect([...lines.take(bytes.subarray(0, cut)), ...lines.take(bytes.subarray(cut))]).toEqual(['{"é":1}', '{"ü":2}']);
  }
  expect(() => new Lines(8).take(new Uint8Array(9).fill(65))).toThrow(expect.objectContaining({ code: "BAD_ANSWER" }));
});
