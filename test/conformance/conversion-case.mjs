/**
 * What a conversion webhook may answer to a review. Shared by the script that records what kube-apiserver makes of it, and the
 * test that compares. A Thing of v1 has `spec.hostPort` ("a:1"), one of v2 `spec.host` and `spec.port`.
 */
export const GROUP = "conversion.inkube.dev";
export const KIND = "Thing";
export const PLURAL = "things";

/** As a webhook that does its work. */
export function convert(object, desired) {
  const { spec = {}, ...rest } = object;
  if (object.apiVersion === desired) return object;
  // A field that the other version does not have is lost.
  const { hostPort, host, port, tier: _tier, level: _level, ...others } = spec;
  if (desired.endsWith("/v2")) {
    const [name = "", number = ""] = (hostPort ?? "").split(":");
    return { ...rest, apiVersion: desired, spec: { ...others, host: name, port: number } };
  }
  return { ...rest, apiVersion: desired, spec: { ...others, hostPort: `${host ?? ""}:${port ?? ""}` } };
}

export function converted({ request }) {
  const { uid, objects, desiredAPIVersion } = request;
  const convertedObjects = objects.map((object) => convert(object, desiredAPIVersion));
  return { uid, result: { status: "Success" }, convertedObjects };
}

function review(response, more = {}) {
  return {
    body: JSON.stringify({ apiVersion: "apiextensions.k8s.io/v1", kind: "ConversionReview", response, ...more }),
  };
}

/** The first object of the answer, otherwise. */
function with1st(asked, change) {
  const response = converted(asked);
  return review({ ...response, convertedObjects: response.convertedObjects.map(change) });
}

function metadata(asked, change) {
  return with1st(asked, (object) => ({ ...object, metadata: { ...object.metadata, ...change } }));
}

/** By name: what the webhook answers to a review, as `{ code, type, body }`: 200 and JSON when left out. */
export const ANSWERS = {
  "as it should": (asked) => review(converted(asked)),
  "another uid": (asked) => review({ ...converted(asked), uid: "another" }),
  "no uid": (asked) => review({ ...converted(asked), uid: undefined }),
  "no response": () => review(undefined),
  "a failure with a message": (asked) =>
    review({ uid: asked.request.uid, result: { status: "Failure", message: "hostPort has no port" } }),
  "a failure without a message": (asked) => review({ uid: asked.request.uid, result: { status: "Failure" } }),
  "no status": (asked) => review({ ...converted(asked), result: {} }),
  "no result": (asked) => review({ ...converted(asked), result: undefined }),
  "a status of another case": (asked) => review({ ...converted(asked), result: { status: "success" } }),
  "no objects": (asked) => review({ ...converted(asked), convertedObjects: [] }),
  "objects left out": (asked) => review({ ...converted(asked), convertedObjects: undefined }),
  "more objects": (asked) => {
    const { convertedObjects, ...rest } = converted(asked);
    return review({ ...rest, convertedObjects: [...convertedObjects, ...convertedObjects] });
  },
  "another name": (asked) => metadata(asked, { name: "b" }),
  "another namespace": (asked) => metadata(asked, { namespace: "other" }),
  "another uid of the object": (asked) => metadata(asked, { uid: "1" }),
  "the version it came in": (asked) => with1st(asked, (object) => ({ ...object, apiVersion: `${GROUP}/v1` })),
  "another group": (asked) => with1st(asked, (object) => ({ ...object, apiVersion: "other.dev/v2" })),
  "no version": (asked) => with1st(asked, ({ apiVersion: _version, ...object }) => object),
  "another kind": (asked) => with1st(asked, (object) => ({ ...object, kind: "Other" })),
  "no kind": (asked) => with1st(asked, ({ kind: _kind, ...object }) => object),
  "no metadata": (asked) => with1st(asked, ({ metadata: _metadata, ...object }) => object),
  "metadata that is a text": (asked) => with1st(asked, (object) => ({ ...object, metadata: "a" })),
  "null for an object": (asked) => with1st(asked, () => null),
  "a text for an object": (asked) => with1st(asked, () => "a"),
  "an array for an object": (asked) => with1st(asked, () => []),
  "labels and annotations that are new": (asked) =>
    metadata(asked, { labels: { tier: "new" }, annotations: { "a.dev/b": "c d" } }),
  "labels that are null": (asked) => metadata(asked, { labels: null, annotations: null }),
  "labels that are no object": (asked) => metadata(asked, { labels: "a" }),
  "annotations that are a list": (asked) => metadata(asked, { annotations: ["a"] }),
  "a label that is a number": (asked) => metadata(asked, { labels: { tier: 1 } }),
  "an annotation that is a truth": (asked) => metadata(asked, { annotations: { tier: true } }),
  "a label that is null": (asked) => metadata(asked, { labels: { tier: null } }),
  "a label of a wrong form": (asked) => metadata(asked, { labels: { tier: "not a label" } }),
  "labels of wrong forms": (asked) => metadata(asked, { labels: { "a b": "not a label" } }),
  "an annotation of a wrong form": (asked) => metadata(asked, { annotations: { "a b": "c" } }),
  "finalizers, owners and a generation that are new": (asked) =>
    metadata(asked, { finalizers: ["a.dev/b"], generation: 9, creationTimestamp: "2020-01-01T00:00:00Z" }),
  "a field that its schema does not know": (asked) =>
    with1st(asked, (object) => ({ ...object, spec: { ...object.spec, more: 1 } })),
  "a field of the wrong type": (asked) => with1st(asked, (object) => ({ ...object, spec: { host: 1, port: "1" } })),
  "a null that may not be": (asked) => with1st(asked, (object) => ({ ...object, spec: { host: null, port: "1" } })),
  "no spec": (asked) => with1st(asked, ({ spec: _spec, ...object }) => object),
  "a review of v1beta1": (asked) => review(converted(asked), { apiVersion: "apiextensions.k8s.io/v1beta1" }),
  "a review of another group": (asked) => review(converted(asked), { apiVersion: "other.dev/v1" }),
  "another kind of review": (asked) => review(converted(asked), { kind: "AdmissionReview" }),
  "a review without a kind": (asked) => review(converted(asked), { kind: undefined }),
  "a review without a version": (asked) => review(converted(asked), { apiVersion: undefined }),
  "a response of the wrong type": () => review("a"),
  "a uid of the wrong type": (asked) => review({ ...converted(asked), uid: 1 }),
  "objects of the wrong type": (asked) => review({ ...converted(asked), convertedObjects: "a" }),
  "a text": () => ({ body: "hello" }),
  nothing: () => ({ body: "" }),
  "an empty object": () => ({ body: "{}" }),
  "half of JSON": (asked) => ({ body: review(converted(asked)).body.slice(0, 90) }),
  HTML: () => ({ type: "text/html", body: "<html>no</html>" }),
  "JSON called a text": (asked) => ({ type: "text/plain", body: review(converted(asked)).body }),
  "code 201": (asked) => ({ ...review(converted(asked)), code: 201 }),
  "code 204": () => ({ code: 204, body: "" }),
  "code 301": () => ({ code: 301, body: "" }),
  "code 400 and a text": () => ({ code: 400, type: "text/plain", body: "bad conversion" }),
  "code 401": () => ({ code: 401, type: "text/plain", body: "who?" }),
  "code 403": () => ({ code: 403, type: "text/plain", body: "no" }),
  "code 404": () => ({ code: 404, type: "text/plain", body: "404 page not found" }),
  "code 405": () => ({ code: 405, type: "text/plain", body: "no" }),
  "code 409": () => ({ code: 409, type: "text/plain", body: "no" }),
  "code 413": () => ({ code: 413, type: "text/plain", body: "no" }),
  "code 422": () => ({ code: 422, type: "text/plain", body: "no" }),
  "code 418": () => ({ code: 418, type: "text/plain", body: "no" }),
  "code 500 and a text": () => ({ code: 500, type: "text/plain", body: "panic" }),
  "code 500 and nothing": () => ({ code: 500, type: "text/plain", body: "" }),
  "code 500 and several lines": () => ({ code: 500, type: "text/plain", body: 'panic:\nline 2 "q"' }),
  "code 500 and a review": (asked) => ({ ...review(converted(asked)), code: 500 }),
  "code 500 and a Status": () => ({
    code: 500,
    body: JSON.stringify({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: "deep",
      reason: "InternalError",
      code: 500,
    }),
  }),
  "code 200 and a Status": () => ({
    body: JSON.stringify({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: "deep",
      reason: "InternalError",
      code: 500,
    }),
  }),
  "code 502": () => ({ code: 502, type: "text/plain", body: "no" }),
  "code 503": () => ({ code: 503, type: "text/plain", body: "no" }),
  "code 504": () => ({ code: 504, type: "text/plain", body: "no" }),
};
