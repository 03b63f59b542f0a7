/**
 * `pods/exec`, `pods/attach` and `pods/portforward`: which requests they are, and what the kubelet is asked for.
 * Source: kube-apiserver `pkg/registry/core/pod/strategy.go`, `subresource.go`.
 */
import type { Pod } from "../../../../protocols/kubernetes/types/core-v1.ts";
import { badRequest } from "../machinery/status.ts";
import type { Query } from "./query.ts";
import { boolean } from "./query.ts";

export interface StreamPath {
  readonly namespace: string;
  readonly name: string;
  readonly subresource: "attach" | "exec" | "portforward";
}

const STREAM = /^\/api\/v1\/namespaces\/([^/?]+)\/pods\/([^/?]+)\/(attach|exec|portforward)(?=$|\?)/;

export function isStreamPath(url: string): boolean {
  return url.startsWith("/api/v1/namespaces/") && STREAM.test(url);
}

/** Undefined for any other, and for methods that these have not. */
export function parseStreamPath(method: string, url: string): StreamPath | undefined {
  if (method !== "GET" && method !== "POST") return undefined;
  const [, namespace, name, subresource] = STREAM.exec(url) ?? [];
  if (namespace === undefined || name === undefined) return undefined;
  return { namespace: decode(namespace), name: decode(name), subresource: subresource as StreamPath["subresource"] };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest(`invalid URL escape in ${JSON.stringify(segment)}`);
  }
}

/**
 * The container that is meant: the only one, when none is named. Source: registry/core/pod `validateContainer`.
 * @throws Status 400 when that is not clear
 */
export function containerOf(pod: Pod, asked: string | undefined): string {
  const name = pod.metadata?.name ?? "";
  const { initContainers = [], containers = [], ephemeralContainers = [] } = pod.spec ?? {};
  const names = [...initContainers, ...containers, ...ephemeralContainers].map((container) => container.name);
  if (asked) {
    if (names.includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${name}`);
  }
  const [only] = containers;
  if (containers.length === 1 && only !== undefined) return only.name;
  throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${names.join(" ")}]`);
}

/** Path and query for the kubelet. @throws Status 400 as `containerOf` */
export function kubeletStreamPath(pod: Pod, { namespace, name, subresource }: StreamPath, query: Query): string {
  const place = [namespace, name].map(encodeURIComponent).join("/");
  if (subresource === "portforward") {
    const ports = (query.all("ports") ?? []).map((port) => `port=${encodeURIComponent(port)}`);
    return `/portForward/${place}${ports.length === 0 ? "" : `?${ports.join("&")}`}`;
  }
  const container = containerOf(pod, query.get("container"));
  const flag = (option: string, parameter: string): readonly string[] =>
    boolean(query, option) === true ? [`${parameter}=1`] : [];
  const parameters = [
    ...flag("stdin", "input"),
    ...flag("stdout", "output"),
    ...flag("stderr", "error"),
    ...flag("tty", "tty"),
    ...(subresource === "exec"
      ? (query.all("command") ?? []).map((word) => `command=${encodeURIComponent(word)}`)
      : []),
  ];
  return `/${subresource}/${place}/${encodeURIComponent(container)}?${parameters.join("&")}`;
}
