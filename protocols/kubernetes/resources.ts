/**
 * The table of served resources: one row says all that is particular to a resource at the API's surface. Discovery, URLs,
 * storage keys, selectors and table headers follow from it.
 * Source: aggregated discovery and Table answers of kube-apiserver 1.37; storage prefixes and update rules of its registries.
 */

export interface SubresourceInfo {
  readonly name: string;
  /** Kind that the subresource speaks, with its apiVersion when not the resource's own. */
  readonly kind: string;
  readonly apiVersion?: string;
  readonly verbs: readonly string[];
}

export interface ColumnInfo {
  readonly name: string;
  readonly type: "string" | "integer" | "date";
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
}

const STANDARD = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const NO_COLLECTION = STANDARD.filter((verb) => verb !== "deletecollection");

function column(text: string): ColumnInfo {
  const wide = text.startsWith("+");
  const name = wide ? text.slice(1) : text;
  const integer = name.endsWith("#");
  return { name: integer ? name.slice(0, -1) : name, type: integer ? "integer" : "string", priority: wide ? 1 : 0 };
}

function subresource(name: string, kind: string, verbs: string, apiVersion?: string): SubresourceInfo {
  const base = { name, kind, verbs: verbs.split(" ") };
  return apiVersion === undefined ? base : { ...base, apiVersion };
}

function status(kind: string): SubresourceInfo {
  return subresource("status", kind, "get patch update");
}

function selectable(name: string, path: string = name): SelectableField {
  return { name, path: path.split(".") };
}

/** A boolean, which is false when absent. */
function flag(name: string): SelectableField {
  return { ...selectable(name), absent: "false" };
}

const SCALE = subresource("scale", "Scale", "get patch update", "autoscaling/v1");

type Row = Pick<ResourceInfo, "group" | "version" | "resource" | "kind"> & {
  readonly clusterScoped?: true;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly verbs?: readonly string[];
  readonly subresources?: readonly SubresourceInfo[];
  /** `+Name` is shown with `-o wide` only, `Name#` holds integers. */
  readonly columns: readonly string[];
  /** Besides metadata.name and metadata.namespace. */
  readonly fields?: readonly SelectableField[];
  readonly storage?: string | null;
  readonly storageApiVersion?: string;
  readonly createOnUpdate?: true;
  readonly conditionalUpdate?: true;
};

function info(row: Row): ResourceInfo {
  const namespaced = row.clusterScoped !== true;
  const names = namespaced ? ["metadata.name", "metadata.namespace"] : ["metadata.name"];
  return {
    group: row.group,
    version: row.version,
    apiVersion: row.group === "" ? row.version : `${row.group}/${row.version}`,
    resource: row.resource,
    singular: row.kind.toLowerCase(),
    kind: row.kind,
    shortNames: row.shortNames ?? [],
    categories: row.categories ?? [],
    namespaced,
    verbs: row.verbs ?? STANDARD,
    subresources: row.subresources ?? [],
    columns: row.columns.map(column),
    selectableFields: [...names.map((name) => selectable(name)), ...(row.fields ?? [])],
    storagePrefix: row.storage === null ? undefined : `/registry/${row.storage ?? row.resource}`,
    ...(row.storageApiVersion === undefined ? {} : { storageApiVersion: row.storageApiVersion }),
    createOnUpdate: row.createOnUpdate === true,
    unconditionalUpdate: row.conditionalUpdate !== true,
  };
}

const EVENT_COLUMNS = [
  "Last Seen",
  "Type",
  "Reason",
  "Object",
  "+Subobject",
  "+Source",
  "Message",
  "+First Seen",
  "+Count",
  "+Name",
];

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

const ROWS: readonly Row[] = [
  {
    group: "",
    version: "v1",
    resource: "bindings",
    kind: "Binding",
    verbs: ["create"],
    columns: [],
    storage: null,
  },
  {
    group: "",
    version: "v1",
    resource: "configmaps",
    kind: "ConfigMap",
    shortNames: ["cm"],
    columns: ["Name", "Data", "Age"],
  },
  {
    group: "",
    version: "v1",
    resource: "endpoints",
    kind: "Endpoints",
    shortNames: ["ep"],
    columns: ["Name", "Endpoints", "Age"],
    storage: "services/endpoints",
    createOnUpdate: true,
  },
  {
    group: "",
    version: "v1",
    resource: "events",
    kind: "Event",
    shortNames: ["ev"],
    columns: EVENT_COLUMNS,
    fields: eventFields("involvedObject"),
    createOnUpdate: true,
  },
  {
    group: "",
    version: "v1",
    resource: "namespaces",
    kind: "Namespace",
    clusterScoped: true,
    shortNames: ["ns"],
    verbs: NO_COLLECTION,
    subresources: [subresource("finalize", "Namespace", "update"), status("Namespace")],
    columns: ["Name", "Status", "Age"],
    fields: [selectable("status.phase")],
  },
  {
    group: "",
    version: "v1",
    resource: "nodes",
    kind: "Node",
    clusterScoped: true,
    shortNames: ["no"],
    subresources: [status("Node")],
    columns: [
      "Name",
      "Status",
      "Roles",
      "Age",
      "Version",
      "+Internal-IP",
      "+External-IP",
      "+OS-Image",
      "+Kernel-Version",
      "+Container-Runtime",
    ],
    fields: [flag("spec.unschedulable")],
    storage: "minions",
  },
  {
    group: "",
    version: "v1",
    resource: "pods",
    kind: "Pod",
    shortNames: ["po"],
    categories: ["all"],
    subresources: [
      subresource("binding", "Binding", "create"),
      subresource("ephemeralcontainers", "Pod", "get patch update"),
      subresource("eviction", "Eviction", "create", "policy/v1"),
      subresource("log", "Pod", "get"),
      status("Pod"),
    ],
    columns: ["Name", "Ready", "Status", "Restarts", "Age", "+IP", "+Node", "+Nominated Node", "+Readiness Gates"],
    fields: [
      selectable("spec.nodeName"),
      selectable("spec.restartPolicy"),
      selectable("spec.schedulerName"),
      selectable("spec.serviceAccountName"),
      flag("spec.hostNetwork"),
      selectable("status.phase"),
      selectable("status.podIP"),
      selectable("status.podIPs", "status.podIPs.ip"),
      selectable("status.nominatedNodeName"),
    ],
  },
  {
    group: "",
    version: "v1",
    resource: "secrets",
    kind: "Secret",
    columns: ["Name", "Type", "Data", "Age"],
    fields: [selectable("type")],
  },
  {
    group: "",
    version: "v1",
    resource: "serviceaccounts",
    kind: "ServiceAccount",
    shortNames: ["sa"],
    subresources: [subresource("token", "TokenRequest", "create", "authentication.k8s.io/v1")],
    columns: ["Name", "Age"],
  },
  {
    group: "",
    version: "v1",
    resource: "services",
    kind: "Service",
    shortNames: ["svc"],
    categories: ["all"],
    subresources: [status("Service")],
    columns: ["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "+Selector"],
    fields: [selectable("spec.clusterIP"), selectable("spec.type")],
    storage: "services/specs",
    createOnUpdate: true,
  },
  {
    group: "apps",
    version: "v1",
    resource: "deployments",
    kind: "Deployment",
    shortNames: ["deploy"],
    categories: ["all"],
    subresources: [SCALE, status("Deployment")],
    columns: ["Name", "Ready", "Up-to-date", "Available", "Age", "+Containers", "+Images", "+Selector"],
  },
  {
    group: "apps",
    version: "v1",
    resource: "replicasets",
    kind: "ReplicaSet",
    shortNames: ["rs"],
    categories: ["all"],
    subresources: [SCALE, status("ReplicaSet")],
    columns: ["Name", "Desired#", "Current#", "Ready#", "Age", "+Containers", "+Images", "+Selector"],
  },
  {
    group: "events.k8s.io",
    version: "v1",
    resource: "events",
    kind: "Event",
    shortNames: ["ev"],
    columns: EVENT_COLUMNS,
    fields: eventFields("regarding"),
    storageApiVersion: "v1",
    createOnUpdate: true,
  },
  {
    group: "coordination.k8s.io",
    version: "v1",
    resource: "leases",
    kind: "Lease",
    columns: ["Name", "Holder", "Age"],
    createOnUpdate: true,
    conditionalUpdate: true,
  },
  {
    group: "discovery.k8s.io",
    version: "v1",
    resource: "endpointslices",
    kind: "EndpointSlice",
    columns: ["Name", "AddressType", "Ports", "Endpoints", "Age"],
  },
];

/** All served resources, in the order in which discovery names them. */
export const RESOURCES: readonly ResourceInfo[] = ROWS.map(info);

const BY_RESOURCE = new Map(RESOURCES.map((row) => [`${row.apiVersion}/${row.resource}`, row]));

export function findResource(group: string, version: string, resource: string): ResourceInfo | undefined {
  return BY_RESOURCE.get(group === "" ? `${version}/${resource}` : `${group}/${version}/${resource}`);
}
