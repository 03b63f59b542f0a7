// Situations of volumes, quotas and the controllers beside those of the workloads, played against a control plane without kubelets: the
// steps of a situation say what its user does, and after each it is written down what he was answered, if he was refused, and what the
// controllers have made of it. `record-controllers.mjs` plays them against a real kube-controller-manager,
// `../simulation/controllers/controllers.test.ts` against inkube's.
//
// What has no namespace carries the situation's name before its own (`$` in the steps; `NAMESPACE` is its namespace), so that many can be played at a time.

const KINDS = {
  ClusterRole: { group: "rbac.authorization.k8s.io", version: "v1", resource: "clusterroles", clusterWide: true },
  ConfigMap: { group: "", version: "v1", resource: "configmaps" },
  Event: { group: "", version: "v1", resource: "events" },
  PersistentVolume: { group: "", version: "v1", resource: "persistentvolumes", clusterWide: true },
  PersistentVolumeClaim: { group: "", version: "v1", resource: "persistentvolumeclaims" },
  Pod: { group: "", version: "v1", resource: "pods" },
  PriorityClass: { group: "scheduling.k8s.io", version: "v1", resource: "priorityclasses", clusterWide: true },
  ReplicationController: { group: "", version: "v1", resource: "replicationcontrollers" },
  ResourceQuota: { group: "", version: "v1", resource: "resourcequotas" },
  Secret: { group: "", version: "v1", resource: "secrets" },
  Service: { group: "", version: "v1", resource: "services" },
  StorageClass: { group: "storage.k8s.io", version: "v1", resource: "storageclasses", clusterWide: true },
};
const CLUSTER_WIDE = Object.keys(KINDS).filter((kind) => KINDS[kind].clusterWide);

/** Answers what is to be seen after each step. `api.ask` answers with an object, or throws; `api.settle` when nothing moves any more. */
export async function play({ namespace, steps }, api) {
  const states = [];
  for (const step of steps) {
    const refused = await take(
      JSON.parse(JSON.stringify(step).replaceAll("$", `${namespace}-`).replaceAll("NAMESPACE", namespace)),
      namespace,
      api,
    );
    await api.settle(() => look(namespace, api));
    const state = await look(namespace, api);
    states.push(refused === undefined ? state : { refused: shown(refused, namespace), ...state });
  }
  return states;
}

/** Removes what the namespace does not take along. */
export async function clean(namespace, api) {
  for (const kind of CLUSTER_WIDE) {
    for (const { metadata } of await list(api, namespace, kind)) {
      const one = { name: metadata.name };
      await ask(api, namespace, kind, { verb: "delete", ...one, body: {} }).catch(() => undefined);
      const body = { metadata: { finalizers: null } };
      await ask(api, namespace, kind, { verb: "patch", ...one, body }).catch(() => undefined);
    }
  }
}

/** @returns what the user was told, if he was refused */
async function take(step, namespace, api) {
  const [[verb, what]] = Object.entries(step);
  try {
    switch (verb) {
      case "create":
        for (const one of [what].flat()) await create(one, namespace, api);
        return undefined;
      case "patch":
        await ask(api, namespace, what[0], {
          verb: "patch",
          name: what[1],
          body: what[2],
          ...(what[3] && { subresource: what[3] }),
        });
        return undefined;
      case "remove":
        await ask(api, namespace, what[0], { verb: "delete", name: what[1], body: what[2] ?? {} });
        return undefined;
      case "pods":
        await act(what, namespace, api);
        return undefined;
    }
  } catch (error) {
    return error.message;
  }
  throw new Error(`no step ${verb}`);
}

async function create({ kind, status, ...rest }, namespace, api) {
  const { group, version } = KINDS[kind];
  const apiVersion = group === "" ? version : `${group}/${version}`;
  await ask(api, namespace, kind, { verb: "create", body: { apiVersion, kind, ...rest } });
  if (status === undefined) return;
  await ask(api, namespace, kind, { verb: "patch", name: rest.metadata.name, subresource: "status", body: { status } });
}

/** What nodes, or a user, do with all pods. */
async function act({ do: deed }, namespace, api) {
  const pods = await list(api, namespace, "Pod");
  pods.sort((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1));
  for (const { metadata, status } of pods) {
    const one = { name: metadata.name };
    const condition = { type: "Ready", status: "True", lastTransitionTime: "2020-01-01T00:00:00Z" };
    const report = (of) =>
      ask(api, namespace, "Pod", { verb: "patch", ...one, subresource: "status", body: { status: of } });
    if (deed === "run" && status.phase === "Pending") await report({ phase: "Running", conditions: [condition] });
    if (deed === "succeed") await report({ phase: "Succeeded" });
    if (deed === "fail") await report({ phase: "Failed" });
    if (deed === "delete")
      await ask(api, namespace, "Pod", { verb: "delete", ...one, body: { gracePeriodSeconds: 0 } });
  }
}

function ask(api, namespace, kind, request) {
  const { clusterWide, ...target } = KINDS[kind];
  return api.ask({ ...request, target: clusterWide ? target : { ...target, namespace } });
}

async function list(api, namespace, kind) {
  const { items } = await ask(api, namespace, kind, { verb: "list" });
  return KINDS[kind].clusterWide ? items.filter(({ metadata }) => metadata.name.startsWith(`${namespace}-`)) : items;
}

/** Kinds of which there is nothing are left out. */
async function look(namespace, api) {
  const lines = async (kind, line) =>
    sorted((await list(api, namespace, kind)).map((one) => shown(line(one), namespace)));
  const state = {
    volumes: await lines("PersistentVolume", volumeLine),
    claims: await lines("PersistentVolumeClaim", claimLine),
    controllers: await lines("ReplicationController", controllerLine),
    quotas: await lines("ResourceQuota", quotaLine),
    roles: await lines("ClusterRole", roleLine),
    pods: counted(await lines("Pod", podLine)),
    events: [...new Set(await lines("Event", eventLine))].filter((line) => line !== ""),
  };
  return Object.fromEntries(Object.entries(state).filter(([, of]) => of.length > 0));
}

function counted(lines) {
  return [...new Set(lines)].map((line) => `${lines.filter((other) => other === line).length} ${line}`);
}

function volumeLine({ metadata, spec, status }) {
  const of = spec.claimRef;
  const claim = of === undefined ? "" : ` for ${of.namespace}/${of.name}${of.uid ? " by uid" : ""}`;
  return `${head(metadata)} ${status.phase}${status.message ? ` (${status.message})` : ""} ${spec.capacity.storage}${claim}${notes(metadata)}`;
}

function claimLine({ metadata, spec, status }) {
  const capacity = status.capacity?.storage ?? "";
  const modes = (status.accessModes ?? []).join();
  const more = { ...status.allocatedResourceStatuses, ...status.allocatedResources };
  const resizing = [...(status.conditions ?? []).map(({ type, status: is }) => `${type}=${is}`), ...Object.values(more)]
    .map((one) => ` ${one}`)
    .join("");
  return `${head(metadata)} ${status.phase} on "${spec.volumeName ?? ""}" ${capacity} ${modes}${resizing}${notes(metadata)}${owners(metadata)}`;
}

function controllerLine({ metadata, status }) {
  const counts = Object.entries(status)
    .filter(([key]) => key !== "conditions")
    .map(([key, value]) => `${key} ${value}`);
  const conditions = (status.conditions ?? []).map(({ type, status: is, reason }) => `${type} ${is} ${reason}`);
  return `${head(metadata)}: ${[...sorted(counts), ...conditions].join(", ")}`;
}

function quotaLine({ metadata, status }) {
  const { hard = {}, used = {} } = status;
  return `${head(metadata)}: ${sorted(Object.keys(hard))
    .map((name) => `${name} ${used[name] ?? "?"} of ${hard[name]}`)
    .join(", ")}`;
}

function roleLine({ metadata, rules }) {
  const keys = ["apiGroups", "resources", "verbs"];
  return `${head(metadata)}: ${rules === null ? "none" : JSON.stringify(rules, keys)}`;
}

function podLine({ metadata, status }) {
  const name = metadata.generateName === undefined ? metadata.name : `${metadata.generateName}*`;
  return `${name} ${status.phase}${metadata.deletionTimestamp ? " leaving" : ""}${owners(metadata)}`;
}

const TOLD = ["PersistentVolume", "PersistentVolumeClaim", "ReplicationController"];

function eventLine({ involvedObject, type, reason, message }) {
  if (!TOLD.includes(involvedObject.kind)) {
    // Ephemeral volumes are told of at their pods.
    if (reason !== "ClaimCreation" && !message.includes("PVC")) return "";
  }
  // Which of several events are told in one is each recorder's own doing.
  const told = message.replace("(combined from similar events): ", "");
  return `${involvedObject.kind} ${involvedObject.name}: ${type} ${reason}: ${told}`;
}

function head({ name, deletionTimestamp }) {
  return `${name}${deletionTimestamp ? " leaving" : ""}`;
}

function notes({ annotations = {}, finalizers = [] }) {
  const told = Object.entries(annotations).map(([key, value]) => `${key}=${value}`);
  return `${sorted(told)
    .map((one) => ` ${one}`)
    .join("")}${finalizers.map((one) => ` !${one}`).join("")}`;
}

function owners({ ownerReferences = [] }) {
  return ownerReferences
    .map(({ kind, name, controller }) => ` of ${kind}/${name}${controller ? "" : " (no controller)"}`)
    .join("");
}

/** Names that chance has given are left out. */
function shown(text, namespace) {
  return text
    .replaceAll(`${namespace}-`, "$")
    .replaceAll(namespace, "here")
    .replace(/\b(rc|solo)-[a-z0-9]{5}\b/g, "$1-*")
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/g, "UID");
}

function sorted(texts) {
  return texts.sort((left, right) => (left < right ? -1 : left > right ? 1 : 0));
}
