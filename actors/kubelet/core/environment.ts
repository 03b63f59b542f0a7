/** The environment of a container, in the order and with the precedence of the kubelet's own. */
import type { Container, EnvVar, Service } from "../../../protocols/kubernetes/types/core-v1.ts";
import { publishedAddresses, publishedPlace } from "../../../protocols/published-addresses.ts";
import type { Objects, PodFacts } from "./sources.ts";
import { configError, containersOf, decodeBase64, fieldValue, resourceValue } from "./sources.ts";

/**
 * Service variables first, then `envFrom`, then `env`: later ones win, and `$(NAME)` sees the earlier ones.
 * Errors: POD_CONFIG when something that it names is missing and not optional.
 */
export function environmentOf(
  container: Container,
  facts: PodFacts,
  services: readonly Service[],
  sources: Objects,
): Readonly<Record<string, string>> {
  const links = facts.pod.spec?.enableServiceLinks !== false;
  const ofServices = serviceEnvironment(services, facts.pod.metadata?.namespace ?? "default", links);
  const result: Record<string, string> = {};
  for (const { prefix = "", configMapRef, secretRef } of container.envFrom ?? []) {
    if (configMapRef !== undefined) {
      const data = dataOf("ConfigMap", configMapRef.name ?? "", configMapRef.optional, sources);
      for (const key of Object.keys(data).sort()) result[prefix + key] = data[key] ?? "";
    }
    if (secretRef !== undefined) {
      const data = dataOf("Secret", secretRef.name ?? "", secretRef.optional, sources);
      for (const key of Object.keys(data).sort()) result[prefix + key] = data[key] ?? "";
    }
  }
  for (const variable of container.env ?? []) {
    const value = valueOf(variable, container, facts, sources, (name) => result[name] ?? ofServices[name]);
    if (value !== undefined) result[variable.name] = value;
  }
  return { ...ofServices, ...result };
}

function valueOf(
  variable: EnvVar,
  container: Container,
  facts: PodFacts,
  sources: Objects,
  lookup: (name: string) => string | undefined,
): string | undefined {
  const from = variable.valueFrom;
  if (from === undefined) return expand(variable.value ?? "", lookup);
  if (from.fieldRef !== undefined) return fieldValue(from.fieldRef.fieldPath, facts);
  if (from.resourceFieldRef !== undefined) {
    const name = from.resourceFieldRef.containerName;
    const isOwn = name === undefined || name === "";
    const of = isOwn ? container : containersOf(facts.pod).find((other) => other.name === name);
    if (of === undefined) throw configError(`resourceFieldRef names no container of the pod: ${name}`);
    return resourceValue(from.resourceFieldRef, of, facts);
  }
  const ref = from.configMapKeyRef ?? from.secretKeyRef;
  if (ref === undefined) throw configError(`the source of the variable ${variable.name} is not supported`);
  const kind = from.configMapKeyRef === undefined ? "Secret" : "ConfigMap";
  const data = dataOf(kind, ref.name ?? "", ref.optional, sources);
  const value = data[ref.key];
  if (value === undefined && ref.optional !== true) {
    throw configError(
      `couldn't find key ${ref.key} in ${kind} ${facts.pod.metadata?.namespace ?? ""}/${ref.name ?? ""}`,
    );
  }
  return value;
}

function dataOf(
  kind: "ConfigMap" | "Secret",
  name: string,
  optional: boolean | undefined,
  sources: Objects,
): Readonly<Record<string, string>> {
  const found = kind === "ConfigMap" ? sources.configMap(name) : sources.secret(name);
  if (found === undefined) {
    if (optional === true) return {};
    throw configError(`${kind.toLowerCase()} "${name}" not found`);
  }
  if (kind === "ConfigMap") return found.data ?? {};
  const decoder = new TextDecoder();
  return Object.fromEntries(
    Object.entries(found.data ?? {}).map(([key, value]) => [key, decoder.decode(decodeBase64(value))]),
  );
}

/**
 * Replaces `$(NAME)` by its value; unknown names stay as they are, and `$$` is a dollar that starts nothing.
 * @see k8s.io/kubernetes/third_party/forked/golang/expansion
 */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  return text.replaceAll(/\$(\$|\(([^)]*)\))/g, (whole, operator: string, name: string | undefined) => {
    if (operator === "$") return "$";
    return lookup(name ?? "") ?? whole;
  });
}

/** As `expand`, for a path: a name without a value is an error. @see kubelet's `ExpandContainerVolumeMounts`; the words are its own */
export function expandWhole(text: string, lookup: (name: string) => string | undefined): string {
  const missing: string[] = [];
  const expanded = expand(text, (name) => {
    const value = lookup(name);
    if (value === undefined) missing.push(name);
    return value;
  });
  if (missing.length > 0) throw configError(`missing value for ${JSON.stringify(missing.join(", "))}`);
  return expanded;
}

/**
 * The variables of the Services that a pod sees: those of its own namespace, and the API's own of `default`.
 * @see k8s.io/kubernetes/pkg/kubelet/envvars
 */
export function serviceEnvironment(
  services: readonly Service[],
  namespace: string,
  links: boolean,
): Readonly<Record<string, string>> {
  const result: Record<string, string> = {};
  const sorted = [...services].sort((one, other) =>
    (one.metadata?.name ?? "") < (other.metadata?.name ?? "") ? -1 : 1,
  );
  for (const service of sorted) {
    const { name = "", namespace: of } = service.metadata ?? {};
    const ip = service.spec?.clusterIP;
    const isApi = of === "default" && name === "kubernetes";
    if (!(isApi || (links && of === namespace)) || ip === undefined || ip === "" || ip === "None") continue;
    if (isApi && of !== namespace && result["KUBERNETES_SERVICE_HOST"] !== undefined) continue;
    Object.assign(result, variablesOf(name.toUpperCase().replaceAll("-", "_"), ip, service));
  }
  return result;
}

function variablesOf(prefix: string, ip: string, service: Service): Readonly<Record<string, string>> {
  const result: Record<string, string> = {};
  const ports = service.spec?.ports ?? [];
  // What is told elsewhere of a Service is of no use where this user can't listen there.
  const published = publishedAddresses(service);
  const placeOf = (port: number): { readonly host: string; readonly port: string } => {
    const { host, port: real } = publishedPlace(published, port) ?? { host: ip, port };
    return { host, port: String(real) };
  };
  const [first] = ports;
  result[`${prefix}_SERVICE_HOST`] = first === undefined ? ip : placeOf(first.port).host;
  if (first === undefined) return result;
  result[`${prefix}_SERVICE_PORT`] = placeOf(first.port).port;
  for (const port of ports) {
    if (port.name === undefined || port.name === "") continue;
    result[`${prefix}_SERVICE_PORT_${port.name.toUpperCase().replaceAll("-", "_")}`] = placeOf(port.port).port;
  }
  // The variables of Docker links, which Kubernetes has kept. Their names have the Service's own ports.
  ports.forEach((port, index) => {
    const protocol = (port.protocol ?? "TCP").toLowerCase();
    const { host, port: real } = placeOf(port.port);
    const url = `${protocol}://${host}:${real}`;
    const own = `${prefix}_PORT_${port.port}_${protocol.toUpperCase()}`;
    if (index === 0) result[`${prefix}_PORT`] = url;
    result[own] = url;
    result[`${own}_PROTO`] = protocol;
    result[`${own}_PORT`] = real;
    result[`${own}_ADDR`] = host;
  });
  return result;
}
