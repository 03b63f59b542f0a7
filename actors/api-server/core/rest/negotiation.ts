/** Which of the forms of an answer a client wants. Source: apiserver `endpoints/handlers/negotiation`. */
import { statusError } from "../../../../protocols/api-server.ts";
import type { Status } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import type { InkubeError } from "../../../../protocols/errors.ts";
import { failure } from "../machinery/status.ts";
import { PROTOBUF_MEDIA_TYPE } from "../machinery/decode-protobuf.ts";

export type Form =
  | "object"
  | "table"
  | "partial"
  /** Aggregated discovery, in this version. */
  | "discovery-v2"
  | "discovery-v2beta1";

export type MediaType = "application/json" | "application/yaml" | typeof PROTOBUF_MEDIA_TYPE;

export interface Negotiated {
  readonly mediaType: MediaType;
  readonly form: Form;
}

/** What can be served: whether discovery documents or objects. */
export type Offer = "object" | "list" | "watch" | "discovery" | "plain";

/** How objects can be written: those of kinds that a user made up have no message in protobuf. */
export type Encodings = "all" | "text";

export const JSON_OBJECT: Negotiated = { mediaType: "application/json", form: "object" };
const CACHE_MAX = 256;
/** Clients of Kubernetes write less; longer ones are made to be long. */
const CACHED_CHARS_MAX = 1_000;
/** Of what follows from the key alone. */
const cache = new Map<string, Negotiated | null>();

/** Undefined: nothing that is asked for can be served (406). */
export function negotiate(accept: string | undefined, offer: Offer, encodings: Encodings): Negotiated | undefined {
  if (accept === undefined || accept === "" || accept === "*/*" || accept === "application/json") return JSON_OBJECT;
  if (accept.length > CACHED_CHARS_MAX) return choose(accept, offer, encodings);
  const key = `${offer} ${encodings} ${accept}`;
  let known = cache.get(key);
  if (known === undefined) {
    known = choose(accept, offer, encodings) ?? null;
    if (cache.size >= CACHE_MAX) cache.clear();
    cache.set(key, known);
  }
  return known ?? undefined;
}

const PLAIN: readonly string[] = ["application/json", "application/yaml", PROTOBUF_MEDIA_TYPE];

/** Of custom resources, whatever is asked for: it names protobuf, in which their Statuses are written. */
export const CUSTOM_NOT_ACCEPTABLE: string = `only the following media types are accepted: ${PLAIN.join(", ")}`;

/**
 * 406: no such media type at all, none in the form that is asked for, or one object's metadata where there is a list.
 * @param goType by which kube-apiserver calls what is asked for: `*core.PodList`
 */
export function notAcceptable(accept: string, offer: Offer, goType: string): InkubeError {
  const streams = ["application/json;stream=watch", `${PROTOBUF_MEDIA_TYPE};stream=watch`];
  const known = accept.split(",").some((clause) => PLAIN.includes((clause.split(";")[0] ?? "").trim().toLowerCase()));
  if (!known && offer !== "discovery") {
    const all = offer === "watch" || offer === "list" ? [...PLAIN, ...streams] : PLAIN;
    const message = `406: Not Acceptable\n\nAvailable representations: ${all.join(", ")}`;
    return statusError(failure(406, "NotAcceptable", message, {}));
  }
  const refused = (message: string): InkubeError => statusError(failure(406, "NotAcceptable", message));
  const [, asked, list] = /\bas=(PartialObjectMetadata(List)?)\s*(?:[;,]|$)/.exec(accept) ?? [];
  if (asked !== undefined && /\bv=v1(beta1)?\b/.test(accept) && (offer === "list") !== (list !== undefined)) {
    const is = offer === "list" ? "is a list" : "is not a list";
    if (offer === "list" || offer === "object") {
      return refused(`you requested ${asked}, but the requested object ${is} (${goType})`);
    }
  }
  return refused(`only the following media types are accepted: ${(offer === "watch" ? streams : PLAIN).join(", ")}`);
}

/** 406, of what is in none of the usual forms. */
export function notAccepted(types: readonly string[]): Status {
  return failure(406, "NotAcceptable", `only the following media types are accepted: ${types.join(", ")}`);
}

/**
 * Which of the forms of a document a client prefers, by its media type alone: `application/json`, any of JSON and so on.
 * @param offers media types, the first of which is taken where several will do
 */
export function preferredType<T extends string>(accept: string | undefined, offers: readonly T[]): T | undefined {
  for (const clause of byQuality((accept || "*/*").split(","))) {
    const [type = "", subtype = ""] = (clause.split(";")[0] ?? "").trim().toLowerCase().split("/", 2);
    const found = offers.find((offer) => {
      const [own, ...rest] = offer.split("/");
      return (type === "*" || type === own) && (subtype === "*" || subtype === rest.join("/"));
    });
    if (found !== undefined) return found;
  }
  return undefined;
}

function choose(accept: string, offer: Offer, encodings: Encodings): Negotiated | undefined {
  for (const clause of byQuality(accept.split(","))) {
    const [type = "", ...rest] = clause.split(";").map((part) => part.trim());
    const mediaType = mediaTypeOf(type.toLowerCase(), offer);
    if (mediaType === undefined) continue;
    const form = formOf(new Map(rest.map(pairOf)), offer);
    if (form !== undefined && (mediaType !== PROTOBUF_MEDIA_TYPE || hasMessage(form, encodings))) {
      return { mediaType, form };
    }
  }
  return undefined;
}

/** Tables have no message in Kubernetes either. */
function hasMessage(form: Form, encodings: Encodings): boolean {
  switch (form) {
    case "object":
      return encodings === "all";
    case "partial":
      return true;
    case "table":
    case "discovery-v2":
    case "discovery-v2beta1":
      return false;
  }
}

function byQuality(clauses: readonly string[]): readonly string[] {
  const quality = (clause: string): number => Number(/;\s*q=([\d.]+)/.exec(clause)?.[1] ?? "1");
  return [...clauses].sort((a, b) => quality(b) - quality(a));
}

function mediaTypeOf(type: string, offer: Offer): Negotiated["mediaType"] | undefined {
  if (type === "application/json" || type === "*/*" || type === "application/*") return "application/json";
  if (type === "application/yaml" && offer !== "watch") return "application/yaml";
  if (type === PROTOBUF_MEDIA_TYPE) return PROTOBUF_MEDIA_TYPE;
  return undefined;
}

function pairOf(parameter: string): [string, string] {
  const equals = parameter.indexOf("=");
  return equals < 0 ? [parameter, ""] : [parameter.slice(0, equals), parameter.slice(equals + 1)];
}

function formOf(parameters: ReadonlyMap<string, string>, offer: Offer): Form | undefined {
  const stream = parameters.get("stream");
  if (stream !== undefined && stream !== "watch") return undefined;
  const as = parameters.get("as");
  if (as === undefined) return "object";
  const group = parameters.get("g");
  const version = parameters.get("v");
  if (as === "APIGroupDiscoveryList" && group === "apidiscovery.k8s.io" && offer === "discovery") {
    return version === "v2" ? "discovery-v2" : version === "v2beta1" ? "discovery-v2beta1" : undefined;
  }
  if (group !== "meta.k8s.io" || (version !== "v1" && version !== "v1beta1")) return undefined;
  if (offer === "discovery" || offer === "plain") return undefined;
  if (as === "Table") return "table";
  if (as === "PartialObjectMetadata") return offer === "list" ? undefined : "partial";
  if (as === "PartialObjectMetadataList") return offer === "list" ? "partial" : undefined;
  return undefined;
}
