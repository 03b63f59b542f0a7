/**
 * The table of served resources: one row says all that is particular to a resource at the API's surface. Discovery, URLs,
 * storage keys, selectors and table headers follow from it.
 * What kube-apiserver tells itself is in `resource-facts.ts`; what it does not tell stands here. Source: storage prefixes, field
 * labels and update rules of the registries of Kubernetes 1.37.1.
 */
import { METRICS_FACTS, RESOURCE_FACTS } from "./resource-facts.ts";

export interface SubresourceInfo {
  readonly name: string;
  /** Kind that the subresource speaks, with its apiVersion when not the resource's own. */
  readonly kind: string;
  readonly apiVersion?: string;
  readonly verbs: readonly string[];
}

export interface ColumnInfo {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  /** `name`: the text names an object. Columns of custom resources may say more of a value: `int32`, `byte`. */
  readonly format: string;
  readonly description?: string;
  /** 0 is shown always, 1 with `-o wide`. */
  readonly priority: number;
}

export interface SelectableField {
  readonly name: string;
  /** Where the value is; in a list the first element counts. */
  readonly path: readonly string[];
  /** What counts as the value when there is none; "" by default. */
  readonly absent?: string;
}

export interface ResourceInfo {
  /** "" is the core group. */
  readonly group: string;
  readonly version: string;
  /** `v1`, `apps/v1`. */
  readonly apiVersion: string;
  readonly resource: string;
  readonly singular: string;
  readonly kind: string;
  /** When it is not the kind with `List` behind it. */
  readonly listKind?: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly subresources: readonly SubresourceInfo[];
  readonly columns: readonly ColumnInfo[];
  readonly selectableFields: readonly SelectableField[];
  /** Keys are `<prefix>/[<namespace>/]<name>`; undefined where nothing is stored. Two versions of one kind share it. */
  readonly storagePrefix: string | undefined;
  /** apiVersion in which objects are stored, when not this one. */
  readonly storageApiVersion?: string;
  /** Whether a PUT to a name that is not there creates it. */
  readonly createOnUpdate: boolean;
  /** Whether a PUT without resourceVersion overwrites. */
  readonly unconditionalUpdate: boolean;
  /** Whether metadata.generation counts the changes of what is neither metadata nor status. */
  readonly generation: boolean;
  /** Its definition is being deleted: objects may still be changed and removed, whatever discovery says, and none is made. */
  readonly terminating?: true;
}

/** What discovery does not tell of a resource. */
interface Supplement {
  /** Behind `/registry/`, when not the resource's name. */
  readonly storage?: string;
  readonly storageApiVersion?: string;
  /** Besides metadata.name and, of what is namespaced, metadata.namespace. Without any, all have both. */
  readonly fields?: readonly SelectableField[];
  readonly createOnUpdate?: true;
  readonly conditionalUpdate?: true;
  readonly generation?: true;
}

function selectable(name: string, path: string = name, absent: string = ""): SelectableField {
  return { name, path: path.split("."), ...(absent === "" ? {} : { absent }) };
}

function eventFields(object: string): readonly SelectableField[] {
  const parts = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"];
  const source = object === "involvedObject" ? "source.component" : "deprecatedSource.component";
  const reporter = object === "involvedObject" ? "reportingComponent" : "reportingController";
  return [
    ...parts.map((part) => selectable(`${object}.${part}`)),
    selectable("reason"),
    selectable(reporter),
    selectable("source", source),
    selectable("type"),
  ];
}

const GENERATION: Supplement = { generation: true };
const CREATE_ON_UPDATE: Supplement = { createOnUpdate: true };
const CONDITIONAL: Supplement = { conditionalUpdate: true };
const COUNTED_CONDITIONAL: Supplement = { generation: true, conditionalUpdate: true };

/** By apiVersion and resource. */
const SUPPLEMENTS: Readonly<Record<string, Supplement>> = {
  "v1/endpoints": { storage: "services/endpoints", createOnUpdate: true },
  "v1/events": { fields: eventFields("involvedObject"), createOnUpdate: true },
  "v1/limitranges": CREATE_ON_UPDATE,
  "v1/namespaces": { fields: [selectable("status.phase")] },
  "v1/nodes": { storage: "minions", fields: [selectable("spec.unschedulable", undefined, "false")] },
  "v1/pods": {
    fields: [
      selectable("spec.nodeName"),
      selectable("spec.restartPolicy"),
      selectable("spec.schedulerName"),
      selectable("spec.serviceAccountName"),
      selectable("spec.hostNetwork", undefined, "false"),
      selectable("status.phase"),
      selectable("status.podIP"),
      selectable("status.podIPs", "status.podIPs.ip"),
      selectable("status.nominatedNodeName"),
    ],
    generation: true,
  },
  "v1/podtemplates": GENERATION,
  "v1/replicationcontrollers": {
    storage: "controllers",
    fields: [selectable("status.replicas", undefined, "0")],
    generation: true,
  },
  "v1/secrets": { fields: [selectable("type")] },
  "v1/services": {
    storage: "services/specs",
    fields: [selectable("spec.clusterIP"), selectable("spec.type")],
    createOnUpdate: true,
  },
  "admissionregistration.k8s.io/v1/mutatingadmissionpolicies": COUNTED_CONDITIONAL,
  "admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings": COUNTED_CONDITIONAL,
  "admissionregistration.k8s.io/v1/mutatingwebhookconfigurations": COUNTED_CONDITIONAL,
  "admissionregistration.k8s.io/v1/validatingadmissionpolicies": COUNTED_CONDITIONAL,
  "admissionregistration.k8s.io/v1/validatingadmissionpolicybindings": COUNTED_CONDITIONAL,
  "admissionregistration.k8s.io/v1/validatingwebhookconfigurations": COUNTED_CONDITIONAL,
  "apiextensions.k8s.io/v1/customresourcedefinitions": {
    storage: "apiextensions.k8s.io/customresourcedefinitions",
    conditionalUpdate: true,
    generation: true,
  },
  "apiregistration.k8s.io/v1/apiservices": { storage: "apiregistration.k8s.io/apiservices", conditionalUpdate: true },
  "apps/v1/daemonsets": GENERATION,
  "apps/v1/deployments": GENERATION,
  "apps/v1/replicasets": GENERATION,
  "apps/v1/statefulsets": GENERATION,
  "autoscaling/v1/horizontalpodautoscalers": { storageApiVersion: "autoscaling/v2", generation: true },
  "autoscaling/v2/horizontalpodautoscalers": GENERATION,
  "batch/v1/cronjobs": GENERATION,
  "batch/v1/jobs": { fields: [selectable("status.successful", "status.succeeded", "0")], generation: true },
  "certificates.k8s.io/v1/certificatesigningrequests": { fields: [selectable("spec.signerName")] },
  "certificates.k8s.io/v1/clustertrustbundles": { fields: [selectable("spec.signerName")], conditionalUpdate: true },
  "certificates.k8s.io/v1/podcertificaterequests": {
    fields: [selectable("spec.signerName"), selectable("spec.podName"), selectable("spec.nodeName")],
    conditionalUpdate: true,
  },
  "coordination.k8s.io/v1/leases": { createOnUpdate: true, conditionalUpdate: true },
  "discovery.k8s.io/v1/endpointslices": GENERATION,
  "events.k8s.io/v1/events": { storageApiVersion: "v1", fields: eventFields("regarding"), createOnUpdate: true },
  "flowcontrol.apiserver.k8s.io/v1/flowschemas": GENERATION,
  "flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations": GENERATION,
  "networking.k8s.io/v1/ingressclasses": GENERATION,
  "networking.k8s.io/v1/ingresses": { storage: "ingress", generation: true },
  "networking.k8s.io/v1/networkpolicies": GENERATION,
  "node.k8s.io/v1/runtimeclasses": { createOnUpdate: true, conditionalUpdate: true },
  "policy/v1/poddisruptionbudgets": COUNTED_CONDITIONAL,
  "rbac.authorization.k8s.io/v1/clusterrolebindings": CREATE_ON_UPDATE,
  "rbac.authorization.k8s.io/v1/clusterroles": CREATE_ON_UPDATE,
  "rbac.authorization.k8s.io/v1/rolebindings": CREATE_ON_UPDATE,
  "rbac.authorization.k8s.io/v1/roles": CREATE_ON_UPDATE,
  "resource.k8s.io/v1/deviceclasses": GENERATION,
  "resource.k8s.io/v1/devicetaintrules": COUNTED_CONDITIONAL,
  "resource.k8s.io/v1/resourceslices": {
    fields: [selectable("spec.nodeName"), selectable("spec.driver"), selectable("spec.pool.name")],
    generation: true,
  },
  "storage.k8s.io/v1/csidrivers": CONDITIONAL,
  "storage.k8s.io/v1/csinodes": CONDITIONAL,
  "storage.k8s.io/v1/csistoragecapacities": CONDITIONAL,
  "storage.k8s.io/v1/volumeattachments": CONDITIONAL,
  "storagemigration.k8s.io/v1/storageversionmigrations": CONDITIONAL,
};

/** Subresources of pods, nodes and services that are passed on: HTTP, and what it is upgraded to. */
export const CONNECTED_SUBRESOURCES: readonly string[] = ["attach", "exec", "portforward", "proxy"];

const STORED_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

function verbsOf(text: string): readonly string[] {
  return text === "*" ? STORED_VERBS : text.split(",");
}

const METRICS_FORMATS: Readonly<Record<string, string>> = { cpu: "quantity", memory: "quantity", Window: "duration" };

const COLUMN_TYPES: Readonly<Record<string, ColumnInfo["type"]>> = { "#": "integer", "?": "boolean", "@": "date" };

function columnOf(text: string): ColumnInfo {
  const wide = text.startsWith("+");
  const suffix = /[#?@!~]$/.exec(text)?.[0] ?? "";
  const name = text.slice(wide ? 1 : 0, text.length - suffix.length);
  const format = (name === "Name" && suffix !== "~") || suffix === "!" ? "name" : "";
  return { name, type: COLUMN_TYPES[suffix] ?? "string", format, priority: wide ? 1 : 0 };
}

function subresourceOf(line: string): SubresourceInfo {
  const [, name = "", kind = "", verbs = "", apiVersion] = line.trim().split(" ");
  const base = { name, kind, verbs: verbsOf(verbs) };
  return apiVersion === undefined ? base : { ...base, apiVersion };
}

/** A row from its line of the facts and those below it. */
function info(apiVersion: string, line: string, details: readonly string[]): ResourceInfo {
  const [resource = "", kind = "", scope, verbText = "", ...marks] = line.split(" ");
  const namesMarked = (mark: string): readonly string[] =>
    marks.flatMap((text) => (text.startsWith(`${mark}=`) ? text.slice(mark.length + 1).split(",") : []));
  const supplement = SUPPLEMENTS[`${apiVersion}/${resource}`] ?? {};
  const [version = "", group = ""] = apiVersion.split("/").reverse();
  const namespaced = scope === "namespaced";
  const verbs = verbsOf(verbText);
  const { storageApiVersion, fields } = supplement;
  // What can be read and not written is made up when it is read; what can be written and not read is carried out.
  const isStored = verbs.includes("get") && verbs.includes("create");
  const named = namespaced || fields === undefined ? ["metadata.name", "metadata.namespace"] : ["metadata.name"];
  return {
    group,
    version,
    apiVersion,
    resource,
    singular: kind.toLowerCase(),
    kind,
    shortNames: namesMarked("short"),
    categories: namesMarked("in"),
    namespaced,
    verbs,
    subresources: details.filter((detail) => detail.startsWith("  / ")).map(subresourceOf),
    columns: details
      .filter((detail) => detail.startsWith("  | "))
      .flatMap((detail) => detail.slice(4).split(" | ").map(columnOf)),
    selectableFields: [...named.map((name) => selectable(name)), ...(fields ?? [])],
    storagePrefix: isStored ? `/registry/${supplement.storage ?? resource}` : undefined,
    ...(storageApiVersion === undefined ? {} : { storageApiVersion }),
    createOnUpdate: supplement.createOnUpdate === true,
    unconditionalUpdate: supplement.conditionalUpdate !== true,
    generation: supplement.generation === true,
  };
}

function rowsOf(facts: string): readonly ResourceInfo[] {
  const found: ResourceInfo[] = [];
  for (const section of facts.trim().split("\n\n")) {
    const [apiVersion = "", ...lines] = section.split("\n");
    const starts = lines.flatMap((line, at) => (line.startsWith(" ") ? [] : [at]));
    for (const [i, start] of starts.entries()) {
      found.push(info(apiVersion, lines[start] ?? "", lines.slice(start + 1, starts[i + 1])));
    }
  }
  return found;
}

/** All served resources, in the order in which discovery names them. */
export const RESOURCES: readonly ResourceInfo[] = rowsOf(RESOURCE_FACTS);

/** Those of which the kubelets know the answer: nothing of them is stored, and not every server has them. */
export const METRICS_RESOURCES: readonly ResourceInfo[] = rowsOf(METRICS_FACTS).map((row) => ({
  ...row,
  columns: row.columns.map((column) => ({ ...column, format: METRICS_FORMATS[column.name] ?? column.format })),
}));

const BY_RESOURCE = new Map(RESOURCES.map((row) => [`${row.apiVersion}/${row.resource}`, row]));

export function findResource(group: string, version: string, resource: string): ResourceInfo | undefined {
  return BY_RESOURCE.get(group === "" ? `${version}/${resource}` : `${group}/${version}/${resource}`);
}
