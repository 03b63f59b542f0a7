/**
 * What a conversion webhook is asked, and whether its answer counts.
 * Source: apiextensions-apiserver `apiserver/conversion/webhook_converter.go`, whose words these are.
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import { goJson } from "../machinery/go-text.ts";
import type { JsonObject } from "../machinery/json-value.ts";
import { getOwn, isJsonObject, textOf } from "../machinery/json-value.ts";
import { FieldErrors } from "../machinery/validation/field-errors.ts";
import { validateAnnotations, validateLabels } from "../machinery/validation/object-meta.ts";
import type { Read, WebhookReply } from "./reply.ts";
import { readReply } from "./reply.ts";

const GROUP = "apiextensions.k8s.io";
const KIND = "ConversionReview";

export interface ConversionRequest {
  readonly uid: string;
  readonly desiredAPIVersion: string;
  /** Of one kind, none of them in the desired version. */
  readonly objects: readonly KubernetesObject[];
}

/** The first version of reviews that the webhook names and that is known; a validated definition has one. */
export function reviewVersion(versions: readonly string[]): "v1" | "v1beta1" | undefined {
  return versions.find((version) => version === "v1" || version === "v1beta1");
}

export function conversionReview(version: string, { uid, desiredAPIVersion, objects }: ConversionRequest): string {
  return JSON.stringify({
    kind: KIND,
    apiVersion: `${GROUP}/${version}`,
    request: { uid, desiredAPIVersion, objects },
  });
}

/** @returns the objects, each with the metadata that it had, but for labels and annotations, or what is wrong with the answer */
export function readConversion(
  version: "v1" | "v1beta1",
  request: ConversionRequest,
  reply: WebhookReply,
): Read<readonly KubernetesObject[]> {
  const failed = (why: string): { readonly error: string } => ({
    error: `conversion webhook for ${typeOf(request.objects[0])} failed: ${why}`,
  });
  const body = readReply(reply);
  if (body.error !== undefined) return failed(body.error);
  const response = responseIn(version, body.value);
  if (response.error !== undefined) return failed(response.error);
  const refused = refusalIn(version, request.uid, response.value);
  if (refused !== undefined) return failed(refused);
  const converted = response.value["convertedObjects"] ?? [];
  if (!Array.isArray(converted)) return failed(mismatched(converted, CONVERTED, "[]runtime.RawExtension"));
  return objectsIn(converted, request);
}

const CONVERTED = "ConversionResponse.response.convertedObjects";

/** `stable.example.com/v1, Kind=Thing` */
function typeOf(object: KubernetesObject | undefined): string {
  return `${object?.apiVersion ?? ""}, Kind=${object?.kind ?? ""}`;
}

function mismatched(value: unknown, field: string, type: string): string {
  return `json: cannot unmarshal ${jsonType(value)} into Go struct field ${field} of type ${type}`;
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

const SCHEME = 'in scheme "pkg/runtime/scheme.go:111"';

/** `response` of a review of the version that was asked in. */
function responseIn(version: "v1" | "v1beta1", review: JsonObject): Read<JsonObject> {
  const [apiVersion, kind] = [textOf(getOwn(review, "apiVersion")), textOf(getOwn(review, "kind"))];
  const wanted = `${GROUP}/${version}`;
  if (kind !== "" && apiVersion !== "" && (apiVersion !== wanted || kind !== KIND)) {
    const other = otherType(apiVersion, kind);
    return { error: other === undefined ? "" : other.replace("{}", version) };
  }
  const { response } = review;
  if (response !== undefined && response !== null && !isJsonObject(response)) {
    return { error: mismatched(response, "ConversionReview.response", `${version}.ConversionResponse`) };
  }
  const uid = isJsonObject(response) ? getOwn(response, "uid") : undefined;
  if (uid !== undefined && uid !== null && typeof uid !== "string") {
    return { error: mismatched(uid, "ConversionResponse.response.uid", "types.UID") };
  }
  if (version === "v1" && (apiVersion !== wanted || kind !== KIND)) {
    const got = `${apiVersion.includes("/") ? apiVersion : `${apiVersion}/`}, Kind=${kind}`;
    return { error: `expected webhook response of ${wanted}, Kind=${KIND}, got ${got}` };
  }
  if (!isJsonObject(response)) return { error: "no response provided" };
  return { value: response };
}

/** What is known, and is no review of the wanted version; `{}` stands for that. */
function otherType(apiVersion: string, kind: string): string | undefined {
  const known = kind === KIND && [`${GROUP}/v1`, `${GROUP}/v1beta1`].includes(apiVersion);
  if (known || (apiVersion === "v1" && kind === "Status")) {
    const version = apiVersion.slice(apiVersion.indexOf("/") + 1);
    return `converting (${version}.${kind}) to ({}.${KIND}): unknown conversion`;
  }
  return `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} ${SCHEME}`;
}

/** In v1beta1 nobody has looked at the uid from the beginning. */
function refusalIn(version: "v1" | "v1beta1", expected: string, response: JsonObject): string | undefined {
  const uid = textOf(getOwn(response, "uid"));
  if (version === "v1" && uid !== expected) {
    return `expected response.uid=${JSON.stringify(expected)}, got ${JSON.stringify(uid)}`;
  }
  const result = getOwn(response, "result");
  const status = isJsonObject(result) ? textOf(getOwn(result, "status")) : "";
  if (status === "Success") return undefined;
  const message = isJsonObject(result) ? textOf(getOwn(result, "message")) : "";
  return message === "" ? `response.result.status was '${status}', not 'Success'` : message;
}

function objectsIn(converted: readonly unknown[], request: ConversionRequest): Read<readonly KubernetesObject[]> {
  const { objects, desiredAPIVersion } = request;
  const webhook = `conversion webhook for ${typeOf(objects[0])}`;
  if (converted.length !== objects.length) {
    return { error: `${webhook} returned ${converted.length} objects, expected ${objects.length}` };
  }
  const several = objects.length > 1;
  const found: KubernetesObject[] = [];
  for (const [i, original] of objects.entries()) {
    const malformed = malformedObject(converted[i]);
    const at = ` at index ${i}`;
    if (malformed !== undefined) {
      return { error: several ? `${webhook} returned invalid converted object${at}: ${malformed}` : malformed };
    }
    const object = converted[i] as JsonObject;
    const wrongType = typeProblem(original, object, desiredAPIVersion);
    const kind = several ? "converted object" : "object";
    if (wrongType !== undefined) return { error: `${webhook} returned invalid ${kind}${at}: ${wrongType}` };
    const another = identityProblem(original, object);
    if (another !== undefined) return { error: `${webhook} returned invalid ${kind}${several ? at : ""}: ${another}` };
    const whole = withMetadataOf(original, object);
    if (whole.error !== undefined) {
      return { error: `${webhook} returned invalid metadata${several ? ` in object${at}` : ""}: ${whole.error}` };
    }
    found.push(whole.value);
  }
  return { value: found };
}

function malformedObject(value: unknown): string | undefined {
  if (value === null || value === undefined) return "unexpected end of JSON input";
  if (!isJsonObject(value))
    return `json: cannot unmarshal ${jsonType(value)} into Go value of type map[string]interface {}`;
  if (textOf(getOwn(value, "kind")) === "") return `Object 'Kind' is missing in '${goJson(value)}'`;
  return undefined;
}

function typeProblem(original: KubernetesObject, object: JsonObject, desired: string): string | undefined {
  const [version, kind] = [textOf(getOwn(object, "apiVersion")), textOf(getOwn(object, "kind"))];
  if (version !== desired) return `invalid groupVersion (expected ${desired}, received ${version})`;
  if (kind !== original.kind) return `invalid kind (expected ${original.kind}, received ${kind})`;
  return undefined;
}

function identityProblem({ metadata = {} }: KubernetesObject, object: JsonObject): string | undefined {
  const own = getOwn(object, "metadata");
  for (const [field, called] of [
    ["name", "name"],
    ["namespace", "namespace"],
    ["uid", "UID"],
  ] as const) {
    const [expected, got] = [metadata[field] ?? "", isJsonObject(own) ? textOf(getOwn(own, field)) : ""];
    if (expected !== got) return `must have the same ${called}: ${expected} != ${got}`;
  }
  return undefined;
}

/** Of the metadata a webhook has a say in labels and annotations alone. */
function withMetadataOf({ metadata = {} }: KubernetesObject, object: JsonObject): Read<KubernetesObject> {
  const own = getOwn(object, "metadata");
  if (own === undefined) return { error: "missing metadata in converted object" };
  if (!isJsonObject(own)) return { error: `invalid metadata of type ${goType(own)} in converted object` };
  const { labels: _labels, annotations: _annotations, ...kept } = metadata;
  const whole: JsonObject = kept as JsonObject;
  for (const field of ["labels", "annotations"] as const) {
    const given = getOwn(own, field);
    if (given === undefined || given === null) continue;
    const problem = mapProblem(field, given, metadata[field]);
    if (problem !== undefined) return { error: problem };
    whole[field] = given;
  }
  return { value: { ...object, metadata: whole } as KubernetesObject };
}

function mapProblem(
  field: "labels" | "annotations",
  given: unknown,
  original: Readonly<Record<string, string>> | undefined,
): string | undefined {
  if (!isJsonObject(given)) return `invalid metadata.${field} of type ${goType(given)} in converted object`;
  for (const [key, value] of Object.entries(given)) {
    if (typeof value !== "string") {
      return `metadata.${field}[${key}] must be a string, but is ${goType(value)} in converted object`;
    }
  }
  const map = given as Readonly<Record<string, string>>;
  const keys = Object.keys(map);
  const same = keys.length === Object.keys(original ?? {}).length && keys.every((key) => map[key] === original?.[key]);
  if (same) return undefined;
  const errors = new FieldErrors();
  if (field === "labels") validateLabels("metadata.labels", map, errors);
  else validateAnnotations("metadata.annotation", map, errors);
  const texts = [...new Set(errors.causes.map((cause) => `${cause.field}: ${cause.message}`))];
  if (texts.length === 0) return undefined;
  return texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
}

/** `%T` of a value that was JSON. */
function goType(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return "[]interface {}";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  return typeof value === "string" ? "string" : "map[string]interface {}";
}
