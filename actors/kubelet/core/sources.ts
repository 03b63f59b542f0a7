/** Where a pod's environment and volumes come from: ConfigMaps, Secrets, and the pod itself. */
import { InkubeError } from "../../../protocols/errors.ts";
import type {
  ConfigMap,
  Container,
  Pod,
  ResourceFieldSelector,
  Secret,
} from "../../../protocols/kubernetes/types/core-v1.ts";
import { parseQuantity } from "./quantity.ts";
import type { TokenWish } from "./token-life.ts";

/** Objects of the pod's namespace. Undefined: there is none of that name. */
export interface Objects {
  configMap(name: string): ConfigMap | undefined;
  secret(name: string): Secret | undefined;
}

export interface Sources extends Objects {
  /** Of the pod's own account. Errors: POD_CONFIG when none could be had. */
  token(wish: TokenWish): string;
}

/** What the kubelet knows about a pod beyond the pod's own object. */
export interface PodFacts {
  readonly pod: Pod;
  readonly podIP: string;
  readonly hostIP: string;
  readonly nodeName: string;
  /** What stands for a limit that a container doesn't set. */
  readonly allocatable: { readonly cpu: string; readonly memory: string };
}

/** The pod can't be configured as asked; it may be once the objects that it names are there. */
export function configError(message: string): InkubeError {
  return new InkubeError("POD_CONFIG", message, { retryable: true });
}

/** All containers of a pod: initial, ephemeral and its own. */
export function containersOf(pod: Pod): readonly Container[] {
  const { initContainers = [], containers = [], ephemeralContainers = [] } = pod.spec ?? {};
  return [...initContainers, ...containers, ...ephemeralContainers];
}

/** Names of the objects that a pod needs, those that may be missing included. */
export function referencesOf(pod: Pod): {
  readonly configMaps: readonly string[];
  readonly secrets: readonly string[];
} {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  const add = (to: Set<string>, name: string | undefined): void => {
    if (name !== undefined && name !== "") to.add(name);
  };
  for (const container of containersOf(pod)) {
    for (const { configMapRef, secretRef } of container.envFrom ?? []) {
      add(configMaps, configMapRef?.name);
      add(secrets, secretRef?.name);
    }
    for (const { valueFrom } of container.env ?? []) {
      add(configMaps, valueFrom?.configMapKeyRef?.name);
      add(secrets, valueFrom?.secretKeyRef?.name);
    }
  }
  for (const volume of pod.spec?.volumes ?? []) {
    add(configMaps, volume.configMap?.name);
    add(secrets, volume.secret?.secretName);
    for (const source of volume.projected?.sources ?? []) {
      add(configMaps, source.configMap?.name);
      add(secrets, source.secret?.name);
    }
  }
  return { configMaps: [...configMaps], secrets: [...secrets] };
}

/** A field of the pod as the downward API gives it. Errors: POD_CONFIG for a path that it doesn't have. */
export function fieldValue(fieldPath: string, facts: PodFacts): string {
  const { metadata, spec } = facts.pod;
  const subscript = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(fieldPath);
  if (subscript !== null) {
    const map = subscript[1] === "labels" ? metadata?.labels : metadata?.annotations;
    return map?.[subscript[2] ?? ""] ?? "";
  }
  switch (fieldPath) {
    case "metadata.name":
      return metadata?.name ?? "";
    case "metadata.namespace":
      return metadata?.namespace ?? "";
    case "metadata.uid":
      return metadata?.uid ?? "";
    case "metadata.labels":
      return formatMap(metadata?.labels);
    case "metadata.annotations":
      return formatMap(metadata?.annotations);
    case "spec.nodeName":
      return spec?.nodeName ?? facts.nodeName;
    case "spec.serviceAccountName":
      return spec?.serviceAccountName ?? "";
    case "status.hostIP":
    case "status.hostIPs":
      return facts.hostIP;
    case "status.podIP":
    case "status.podIPs":
      return facts.podIP;
    default:
      throw configError(`the downward API has no field ${fieldPath}`);
  }
}

/** `key="value"` lines, sorted, values escaped as Go quotes them. */
function formatMap(map: Readonly<Record<string, string>> | undefined): string {
  return Object.keys(map ?? {})
    .sort()
    .map((key) => `${key}=${JSON.stringify(map?.[key] ?? "")}`)
    .join("\n");
}

/** A request or limit divided by the divisor and rounded up; a limit that isn't set is what the node has. */
export function resourceValue(selector: ResourceFieldSelector, container: Container, facts: PodFacts): string {
  const match = /^(limits|requests)\.(.+)$/.exec(selector.resource);
  if (match === null) throw configError(`${selector.resource} is neither a limit nor a request`);
  const [, kind, name = ""] = match;
  const { limits, requests } = container.resources ?? {};
  const ofNode = name === "cpu" ? facts.allocatable.cpu : name === "memory" ? facts.allocatable.memory : "0";
  const quantity = kind === "limits" ? (limits?.[name] ?? ofNode) : (requests?.[name] ?? limits?.[name] ?? "0");
  const divisor = parseQuantity(selector.divisor) ?? 0;
  return String(Math.ceil((parseQuantity(quantity) ?? 0) / (divisor === 0 ? 1 : divisor)));
}

/** Standard base64 as bytes. Errors: POD_CONFIG. */
export function decodeBase64(text: string): Uint8Array {
  const clean = text.replaceAll(/[\s=]/g, "");
  const bytes = new Uint8Array(Math.floor((clean.length * 3) / 4));
  let buffer = 0;
  let bits = 0;
  let at = 0;
  for (const character of clean) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) throw configError("a Secret's data is not base64");
    buffer = ((buffer << 6) | value) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = (buffer >> bits) & 0xff;
  }
  return bytes;
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
