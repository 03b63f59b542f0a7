import { describe, expect, it } from "vitest";
import * as status from "../../../../../actors/api-server/core/machinery/status.ts";
import { hasReason, statusOf } from "../../../../../protocols/api-server.ts";

const pods = { group: "", resource: "pods" };
const deployments = { group: "apps", resource: "deployments" };

// Bodies as kube-apiserver 1.37.1 answered them, without what all of them have in common.
const cases: readonly (readonly [string, Error, object])[] = [
  [
    "an object that is not there",
    status.notFound(pods, "nope"),
    { message: 'pods "nope" not found', reason: "NotFound", details: { name: "nope", kind: "pods" }, code: 404 },
  ],
  [
    "an object of a named group that is not there",
    status.notFound(deployments, "nope"),
    {
      message: 'deployments.apps "nope" not found',
      reason: "NotFound",
      details: { name: "nope", group: "apps", kind: "deployments" },
      code: 404,
    },
  ],
  [
    "a resource that is not served",
    status.noSuchResource(),
    { message: "the server could not find the requested resource", reason: "NotFound", details: {}, code: 404 },
  ],
  [
    "a method that a path does not take",
    status.methodNotAllowed(),
    {
      message: "the server does not allow this method on the requested resource",
      reason: "MethodNotAllowed",
      details: {},
      code: 405,
    },
  ],
  [
    "a name that is taken",
    status.alreadyExists({ group: "", resource: "configmaps" }, "dup"),
    {
      message: 'configmaps "dup" already exists',
      reason: "AlreadyExists",
      details: { name: "dup", kind: "configmaps" },
      code: 409,
    },
  ],
  [
    "a write to an old version",
    status.conflict({ group: "", resource: "configmaps" }, "dup"),
    {
      message:
        'Operation cannot be fulfilled on configmaps "dup": the object has been modified; please apply your changes to the latest version and try again',
      reason: "Conflict",
      details: { name: "dup", kind: "configmaps" },
      code: 409,
    },
  ],
  [
    "a revision of the future",
    status.tooLargeResourceVersion(99_999_999, 792),
    {
      message: "Timeout: Too large resource version: 99999999, current: 792",
      reason: "Timeout",
      details: {
        causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
        retryAfterSeconds: 1,
      },
      code: 504,
    },
  ],
  [
    "a body of an unknown type",
    status.unsupportedMediaType(["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]),
    {
      message:
        "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf",
      reason: "UnsupportedMediaType",
      code: 415,
    },
  ],
  [
    "a body that is too large",
    status.requestEntityTooLarge(3_145_728),
    { message: "Request entity too large: limit is 3145728", reason: "RequestEntityTooLarge", code: 413 },
  ],
  ["nobody that is known", status.unauthorized(), { message: "Unauthorized", reason: "Unauthorized", code: 401 }],
  [
    "one cause",
    status.invalid({ group: "", kind: "Pod" }, "a", [
      { reason: "FieldValueRequired", message: "Required value", field: "spec.containers" },
    ]),
    {
      message: 'Pod "a" is invalid: spec.containers: Required value',
      reason: "Invalid",
      details: {
        name: "a",
        kind: "Pod",
        causes: [{ reason: "FieldValueRequired", message: "Required value", field: "spec.containers" }],
      },
      code: 422,
    },
  ],
];

describe("status errors", () => {
  for (const [what, error, expected] of cases) {
    it(`are answered as by kube-apiserver: ${what}`, () => {
      const common = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure" };
      expect(statusOf(error)).toEqual({ ...common, ...expected });
    });
  }

  it("join several causes in brackets and say equal ones once", () => {
    const cause = { reason: "FieldValueInvalid", message: "Invalid value: 1: no", field: "a" };
    const error = status.invalid({ group: "apps", kind: "Deployment" }, "d", [cause, { ...cause, field: "b" }, cause]);
    expect(error.message).toBe('Deployment.apps "d" is invalid: [a: Invalid value: 1: no, b: Invalid value: 1: no]');
    expect(statusOf(error)?.details?.causes).toEqual([cause, { ...cause, field: "b" }]);
  });

  it("tell callers which of them are worth another try", () => {
    expect(status.conflict(pods, "a").retryable).toBe(true);
    expect(status.tooManyRequests("slow down", 1).retryable).toBe(true);
    expect(status.serverTimeout(pods, "get", 1).retryable).toBe(true);
    expect(status.notFound(pods, "a").retryable).toBe(false);
    expect(hasReason(status.expired("too old"), "Expired", "Gone")).toBe(true);
  });
});
