/**
 * What a webhook has answered over HTTP, before anybody looks at what it is about.
 * Source: client-go `rest/request.go`, apimachinery `api/errors.NewGenericServerResponse`, whose words these are.
 */
import { jsonProblem } from "../machinery/go-json-syntax.ts";
import { isTooDeep } from "../machinery/json.ts";
import type { JsonObject } from "../machinery/json-value.ts";
import { isJsonObject, textOf } from "../machinery/json-value.ts";

export interface WebhookReply {
  readonly code: number;
  /** The media type; "" when there is none. */
  readonly type: string;
  readonly body: string;
}

/** The answer, or why it is none. */
export type Read<T> =
  | { readonly value: T; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: string };

/** How much of what a server says of its failure is repeated. */
const SAID_CHARS_MAX = 2_048;

/** @returns the object that the body is */
export function readReply({ code, type, body }: WebhookReply): Read<JsonObject> {
  if (code < 200 || code > 206) return { error: statusIn(body) ?? failureOf(code, saidIn(type, body)) };
  if (body === "") return { error: `0-length response with status code: ${code} and content type: ${type}` };
  const parsed = parse(body);
  if (parsed.error !== undefined) return { error: `couldn't get version/kind; json parse error: ${parsed.error}` };
  return parsed;
}

const HEAD = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

function parse(body: string): Read<JsonObject> {
  // What does not begin as an object is YAML to Kubernetes, and a text in it.
  if (!body.trimStart().startsWith("{"))
    return { error: `json: cannot unmarshal string into Go value of type ${HEAD}` };
  try {
    const value = JSON.parse(body) as unknown;
    if (isTooDeep(value)) return { error: "json: exceeded max depth" };
    if (isJsonObject(value)) return { value };
    return { error: `json: cannot unmarshal string into Go value of type ${HEAD}` };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { error: jsonProblem(body) ?? error.message };
  }
}

/** A Status that says more than the code does. */
function statusIn(body: string): string | undefined {
  const parsed = parse(body);
  if (parsed.error !== undefined || parsed.value["kind"] !== "Status" || parsed.value["status"] === "Success") {
    return undefined;
  }
  return textOf(parsed.value["message"]);
}

function saidIn(type: string, body: string): string {
  return /^text\//i.test(type) ? body.slice(0, SAID_CHARS_MAX).trim() : "unknown";
}

const FAILURES: Readonly<Record<number, string>> = {
  400: "the server rejected our request for an unknown reason",
  401: "the server has asked for the client to provide credentials",
  404: "the server could not find the requested resource",
  405: "the server does not allow this method on the requested resource",
  409: "the server reported a conflict",
  422: "the server rejected our request due to an error in our request",
  429: "the server has received too many requests and has asked us to try again later",
  503: "the server is currently unable to handle the request",
  504: "the server was unable to return a response in the time allotted, but may still be processing the request",
};

function failureOf(code: number, said: string): string {
  if (code === 403 || code === 415) return said;
  if (code === 406) {
    const plain = "the server was unable to respond with a content type that the client supports";
    return said === "" || said === "unknown" ? plain : said;
  }
  const known = FAILURES[code];
  if (known !== undefined) return known;
  if (code < 500) return `the server responded with the status code ${code} but did not return more information`;
  return `an error on the server (${JSON.stringify(said)}) has prevented the request from succeeding`;
}
