/**
 * What a fresh control plane holds besides its namespaces and the `kubernetes` Service, and what is repaired of it when a server starts.
 * Source: Kubernetes `plugin/pkg/auth/authorizer/rbac/bootstrappolicy`, `pkg/registry/{rbac,flowcontrol,scheduling}/rest`,
 * `component-helpers/auth/rbac/reconciliation`.
 */
import { DIRECTORY_PROVISIONER } from "../../../../protocols/directory-volumes.ts";
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { ClusterRole, PolicyRule, Subject } from "../../../../protocols/kubernetes/types/rbac-v1.ts";
import type { Fields } from "../kinds/rules.ts";
import { equalJson } from "../machinery/json-value.ts";
import { API_SERVICES, METRICS_API_SERVICES } from "./api-services.ts";
import { CLUSTER_ROLES } from "./cluster-roles.ts";
import { danglingCondition } from "../flow/dangling.ts";
import { FLOW_SCHEMAS, PRIORITY_LEVELS } from "./flow-control.ts";
import { CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS, ROLES } from "./role-bindings.ts";

/** How a server that starts treats an object of its own that is there already. */
type Keep = "as-it-is" | "rbac" | "spec";

/** What a controller applies to the object just after it was made. */
export interface InitialApply {
  readonly manager: string;
  readonly subresource?: "status";
  readonly fields: (time: string) => object;
}

export interface Initial {
  readonly group: string;
  readonly resource: string;
  readonly object: Fields;
  readonly keep: Keep;
  readonly applied?: InitialApply;
  /** Who manages its fields; absent: `kube-apiserver`. */
  readonly manager?: string;
}

const RBAC = "rbac.authorization.k8s.io";
const RBAC_LABELS = { "kubernetes.io/bootstrapping": "rbac-defaults" };
/** As kubeadm names it. The authority signs other certificates, too: none of this name is to be given to anybody. */
const PROXY_CLIENT_NAME = "front-proxy-client";
const RBAC_AUTO = "rbac.authorization.kubernetes.io/autoupdate";
const FLOW_AUTO = "apf.kubernetes.io/autoupdate-spec";

/**
 * What pods may ask for as soon as they are there.
 * @param authority PEM; signs the certificates of clients, and the one by which servers behind this one know it; absent: they can't
 */
export function firstObjects(authority?: string): readonly Initial[] {
  return [...priorityClasses(), ...(authority === undefined ? [] : [authentication(authority)])];
}

/**
 * All of them.
 * @param serviceCidr of the cluster, which has an object of its own
 * @param metrics whether the server answers for `metrics.k8s.io` itself
 * @param volumes whether a controller-manager makes volumes
 * @param authority as for `firstObjects`
 */
export function initialObjects(
  serviceCidr: string,
  { metrics = false, volumes = false }: { readonly metrics?: boolean; readonly volumes?: boolean } = {},
  authority?: string,
): readonly Initial[] {
  const services = metrics ? API_SERVICES + METRICS_API_SERVICES : API_SERVICES;
  return [
    ...firstObjects(authority),
    ...roles(),
    ...bindings(),
    ...flowControl(),
    ...apiServices(services),
    ...(volumes ? [defaultStorageClass()] : []),
    range(serviceCidr),
  ];
}

/** How a server behind an APIService knows whom to believe. Source: kube-apiserver `clusterauthenticationtrust`. */
function authentication(authority: string): Initial {
  const data = {
    "client-ca-file": authority,
    "requestheader-allowed-names": JSON.stringify([PROXY_CLIENT_NAME]),
    "requestheader-client-ca-file": authority,
    "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
    "requestheader-group-headers": '["X-Remote-Group"]',
    "requestheader-uid-headers": '["X-Remote-Uid"]',
    "requestheader-username-headers": '["X-Remote-User"]',
  };
  const metadata = { name: "extension-apiserver-authentication", namespace: "kube-system" };
  return { group: "", resource: "configmaps", keep: "as-it-is", object: { metadata, data } as unknown as Fields };
}

function linesOf(text: string): readonly string[] {
  return text.trim().split("\n");
}

function ruleOf(line: string): PolicyRule {
  const [verbs = "", groups = "", resources, names] = line.trim().split(" ");
  const list = (items: string): readonly string[] => items.split(",");
  if (resources === undefined) return { verbs: list(verbs), nonResourceURLs: list(groups) };
  return {
    verbs: list(verbs),
    apiGroups: list(groups).map((name) => (name === "core" ? "" : name)),
    resources: list(resources),
    ...(names === undefined ? {} : { resourceNames: list(names) }),
  };
}

const aggregationLabel = (part: string): string => `rbac.authorization.k8s.io/aggregate-to-${part}`;

function rbacMetadata(name: string, labels: Readonly<Record<string, string>> = {}): KubernetesObject["metadata"] {
  const slash = name.indexOf("/");
  return {
    name: name.slice(slash + 1),
    ...(slash < 0 ? {} : { namespace: name.slice(0, slash) }),
    labels: { ...RBAC_LABELS, ...labels },
    annotations: { [RBAC_AUTO]: "true" },
  };
}

interface RoleText {
  readonly name: string;
  readonly marks: readonly string[];
  readonly rules: PolicyRule[];
}

function roleTexts(text: string): readonly RoleText[] {
  const found: RoleText[] = [];
  for (const line of linesOf(text)) {
    if (line.startsWith(" ")) found.at(-1)?.rules.push(ruleOf(line));
    else {
      const [name = "", ...marks] = line.split(" ");
      found.push({ name, marks, rules: [] });
    }
  }
  return found;
}

function roles(): readonly Initial[] {
  const cluster = roleTexts(CLUSTER_ROLES);
  const clusterRoles = cluster.map((role): Initial => {
    const { name, marks, rules } = role;
    const whole = wholeOf(role);
    const parts = marks.flatMap((mark) => (mark.startsWith("+") ? [[aggregationLabel(mark.slice(1)), "true"]] : []));
    const object = {
      metadata: rbacMetadata(name, Object.fromEntries(parts) as Record<string, string>),
      ...(whole === undefined ? { rules } : { aggregationRule: aggregationOf(whole) }),
    };
    const initial: Initial = { group: RBAC, resource: "clusterroles", keep: "rbac", object: object as Fields };
    if (whole === undefined) return initial;
    const fields = (): object => ({ rules: aggregated(cluster, whole) });
    return { ...initial, applied: { manager: "clusterrole-aggregation-controller", fields } };
  });
  const namespaced = roleTexts(ROLES).map(({ name, rules }): Initial => {
    return { group: RBAC, resource: "roles", keep: "rbac", object: { metadata: rbacMetadata(name), rules } as Fields };
  });
  return [...clusterRoles, ...namespaced];
}

function aggregationOf(whole: string): ClusterRole["aggregationRule"] {
  return { clusterRoleSelectors: [{ matchLabels: { [aggregationLabel(whole)]: "true" } }] };
}

/** What a controller makes of the parts, some of which are made up of others: their rules, each once. */
function aggregated(all: readonly RoleText[], whole: string): readonly PolicyRule[] {
  const rules: PolicyRule[] = [];
  for (const part of all.filter(({ marks }) => marks.includes(`+${whole}`))) {
    const inner = wholeOf(part);
    for (const rule of inner === undefined ? part.rules : aggregated(all, inner)) {
      if (!rules.some((known) => equalJson(known, rule))) rules.push(rule);
    }
  }
  return rules;
}

function wholeOf({ marks }: RoleText): string | undefined {
  return marks.find((mark) => mark.startsWith("="))?.slice(1);
}

function subjectOf(text: string, binding: string): Subject {
  if (text === "@") return { kind: "ServiceAccount", name: binding.split(":").at(-1) ?? "", namespace: "kube-system" };
  const value = text.slice(text.indexOf("=") + 1);
  if (text.startsWith("user=")) return { kind: "User", apiGroup: RBAC, name: value };
  if (text.startsWith("group=")) return { kind: "Group", apiGroup: RBAC, name: value };
  const [namespace = "", name = ""] = value.split("/");
  return { kind: "ServiceAccount", name, namespace };
}

function bindings(): readonly Initial[] {
  const of = (text: string, kind: string, resource: string): readonly Initial[] =>
    linesOf(text).map((line): Initial => {
      const [name = "", role = "", ...subjects] = line.split(" ");
      const metadata = rbacMetadata(name);
      const roleRef = { apiGroup: RBAC, kind, name: role === "=" ? metadata?.name : role };
      const listed = subjects.map((subject) => subjectOf(subject, name));
      const object = { metadata, ...(listed.length === 0 ? {} : { subjects: listed }), roleRef };
      return { group: RBAC, resource, keep: "rbac", object: object as Fields };
    });
  return [
    ...of(CLUSTER_ROLE_BINDINGS, "ClusterRole", "clusterrolebindings"),
    ...of(ROLE_BINDINGS, "Role", "rolebindings"),
  ];
}

/** Applies the status of FlowSchemas. */
export const FLOW_CONSUMER = "api-priority-and-fairness-config-consumer-v1";
/** They are what they are, whatever is said of them. */
export const MANDATORY_FLOW: readonly string[] = ["catch-all", "exempt"];
const FLOW_MANAGER = "api-priority-and-fairness-config-producer-v1";

/** Priority levels and FlowSchemas. */
export function flowControl(): readonly Initial[] {
  const group = "flowcontrol.apiserver.k8s.io";
  const metadata = (name: string): object => ({ name, annotations: { [FLOW_AUTO]: "true" } });
  const levels = Object.entries(PRIORITY_LEVELS).map(([name, spec]): Initial => {
    const object = { metadata: metadata(name), spec } as Fields;
    return { group, resource: "prioritylevelconfigurations", keep: "spec", object, manager: FLOW_MANAGER };
  });
  const schemas = Object.entries(FLOW_SCHEMAS).map(([name, spec]): Initial => {
    const found = danglingCondition(spec.priorityLevelConfiguration.name, true);
    return {
      group,
      resource: "flowschemas",
      keep: "spec",
      object: { metadata: metadata(name), spec } as Fields,
      applied: {
        manager: FLOW_CONSUMER,
        subresource: "status",
        fields: (time) => ({ status: { conditions: [{ ...found, lastTransitionTime: time }] } }),
      },
      manager: FLOW_MANAGER,
    };
  });
  return [...levels, ...schemas];
}

/** Its volumes reach every node: there is no reason to wait for a pod's. */
function defaultStorageClass(): Initial {
  const annotations = { "storageclass.kubernetes.io/is-default-class": "true" };
  const object = {
    metadata: { name: "standard", annotations },
    provisioner: DIRECTORY_PROVISIONER,
    reclaimPolicy: "Delete",
    volumeBindingMode: "Immediate",
    allowVolumeExpansion: true,
  } as Fields;
  return { group: "storage.k8s.io", resource: "storageclasses", keep: "as-it-is", object };
}

function priorityClasses(): readonly Initial[] {
  const row = (name: string, value: number, description: string): Initial => {
    const object = { metadata: { name }, value, description, preemptionPolicy: "PreemptLowerPriority" } as Fields;
    return { group: "scheduling.k8s.io", resource: "priorityclasses", keep: "as-it-is", object };
  };
  const may = "but can be moved to another node if necessary.";
  return [
    row("system-cluster-critical", 2_000_000_000, `Used for system critical pods that must run in the cluster, ${may}`),
    row(
      "system-node-critical",
      2_000_001_000,
      "Used for system critical pods that must not be moved from their current node.",
    ),
  ];
}

function apiServices(lines: string): readonly Initial[] {
  return linesOf(lines).map((line): Initial => {
    const [apiVersion = "", groupPriorityMinimum, versionPriority] = line.split(" ");
    const [version = "", group = ""] = apiVersion.split("/").reverse();
    const spec = {
      ...(group === "" ? {} : { group }),
      version,
      groupPriorityMinimum: Number(groupPriorityMinimum),
      versionPriority: Number(versionPriority),
    };
    const labels = { "kube-aggregator.kubernetes.io/automanaged": "onstart" };
    const object = { metadata: { name: `${version}.${group}`, labels }, spec } as Fields;
    return { group: "apiregistration.k8s.io", resource: "apiservices", keep: "as-it-is", object };
  });
}

function range(serviceCidr: string): Initial {
  const ready = { type: "Ready", status: "True", message: "Kubernetes default Service CIDR is ready" };
  return {
    group: "networking.k8s.io",
    resource: "servicecidrs",
    keep: "as-it-is",
    object: { metadata: { name: "kubernetes" }, spec: { cidrs: [serviceCidr] } } as Fields,
    applied: {
      manager: "kubernetes-service-cidr-controller",
      subresource: "status",
      fields: (time) => ({ status: { conditions: [{ ...ready, lastTransitionTime: time }] } }),
    },
  };
}

/**
 * The stored object with what it lacks, or undefined when it lacks nothing or its owner has said that it is his.
 * Of RBAC's, rules, subjects, labels and annotations are added and nothing is taken away.
 */
export function repaired({ keep, object }: Initial, stored: Fields): Fields | undefined {
  switch (keep) {
    case "as-it-is":
      return undefined;
    case "spec":
      return repairedFlow(object, stored);
    case "rbac": {
      if (stored.metadata?.annotations?.[RBAC_AUTO] === "false") return undefined;
      const next: Fields = {
        ...stored,
        metadata: {
          ...stored.metadata,
          labels: { ...object.metadata?.labels, ...stored.metadata?.labels },
          annotations: { ...object.metadata?.annotations, ...stored.metadata?.annotations },
        },
        ...withMissing("rules", stored, object),
        ...withMissing("subjects", stored, object),
      };
      return equalJson(next, stored) ? undefined : next;
    }
  }
}

/** Source: apiserver `util/apihelpers`, Kubernetes `pkg/registry/flowcontrol/ensurer`. */
function repairedFlow(object: Fields, stored: Fields): Fields | undefined {
  const { name = "", annotations = {}, generation = 1 } = stored.metadata ?? {};
  const said = annotations[FLOW_AUTO];
  const isOurs = MANDATORY_FLOW.includes(name) || said === "true" || (said !== "false" && generation === 1);
  const spec = isOurs ? { ...(object["spec"] as object), ...sharesOfExempt(stored) } : stored["spec"];
  const auto = String(isOurs);
  if (said === auto && equalJson(stored["spec"], spec)) return undefined;
  return { ...stored, metadata: { ...stored.metadata, annotations: { ...annotations, [FLOW_AUTO]: auto } }, spec };
}

/** What may be said of a level that has no limit. */
function sharesOfExempt(stored: Fields): object {
  const { exempt } = stored["spec"] as { readonly exempt?: object };
  return exempt === undefined ? {} : { exempt };
}

function withMissing(field: "rules" | "subjects", stored: Fields, wanted: Fields): object {
  // The rules of a role that is made up of others belong to whoever adds them up.
  if (wanted["aggregationRule"] !== undefined && field === "rules") return {};
  const present = (stored[field] ?? []) as readonly unknown[];
  const missing = ((wanted[field] ?? []) as readonly unknown[]).filter(
    (item) => !present.some((other) => equalJson(other, item)),
  );
  return missing.length === 0 ? {} : { [field]: [...present, ...missing] };
}
