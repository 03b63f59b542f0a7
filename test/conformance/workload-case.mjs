// Situations of StatefulSets and DaemonSets, played against a control plane without kubelets and scheduler: the steps of a situation
// say what its user and its nodes do, and after each it is written down what the controllers have made of it. `record-workloads.mjs`
// plays them against a real kube-controller-manager, `../simulation/controllers/workloads.test.ts` against inkube's.
//
// What differs from run to run is named anew: revisions r1, r2, … in the order in which they appear, a pod of a DaemonSet by its node.

const KINDS = {
  ControllerRevision: { group: "apps", version: "v1", resource: "controllerrevisions" },
  DaemonSet: { group: "apps", version: "v1", resource: "daemonsets" },
  Event: { group: "", version: "v1", resource: "events" },
  Node: { group: "", version: "v1", resource: "nodes", clusterWide: true },
  PersistentVolumeClaim: { group: "", version: "v1", resource: "persistentvolumeclaims" },
  Pod: { group: "", version: "v1", resource: "pods" },
  StatefulSet: { group: "apps", version: "v1", resource: "statefulsets" },
};

/** Answers what is to be seen after each step. `api.ask` answers with an object, or throws; `api.settle` when nothing moves any more. */
export async function play({ namespace, steps }, api) {
  const seen = { revisions: new Map() };
  const states = [];
  for (const step of steps) {
    await take(step, namespace, api);
    await api.settle();
    states.push(await look(namespace, api, seen));
  }
  return states;
}

async function take(step, namespace, api) {
  const [[verb, what]] = Object.entries(step);
  switch (verb) {
    case "create": {
      const { group, version } = KINDS[what.kind];
      const apiVersion = group === "" ? version : `${group}/${version}`;
      await ask(api, namespace, what.kind, { verb: "create", body: { apiVersion, ...what } });
      if (what.kind === "Node") await beat(api, what.metadata.name);
      return;
    }
    case "patch":
      return ask(api, namespace, what[0], { verb: "patch", name: what[1], body: what[2] });
    case "remove":
      return ask(api, namespace, what[0], { verb: "delete", name: what[1], body: what[2] ?? {} });
    case "pods":
      return act(what, namespace, api);
  }
  throw new Error(`no step ${verb}`);
}

/** A node that says nothing of itself takes no pods. */
export function beat(api, name, time = "2020-01-01T00:00:00Z") {
  const conditions = [{ type: "Ready", status: "True", lastHeartbeatTime: time, lastTransitionTime: time }];
  return ask(api, "", "Node", { verb: "patch", name, subresource: "status", body: { status: { conditions } } });
}

/** What the nodes, or a user, do with all pods, or with those of the given names. */
async function act({ do: deed, of }, namespace, api) {
  const pods = (await list(api, namespace, "Pod")).map((pod) => ({ pod, name: shortName(pod) }));
  pods.sort((left, right) => (left.name < right.name ? -1 : 1));
  for (const { pod, name } of pods) {
    if (of !== undefined && !of.includes(name)) continue;
    const isLeaving = pod.metadata.deletionTimestamp !== undefined;
    const one = { name: pod.metadata.name };
    const report = (status) =>
      ask(api, namespace, "Pod", { verb: "patch", ...one, subresource: "status", body: { status } });
    const condition = (status) => ({ type: "Ready", status, lastTransitionTime: "2020-01-01T00:00:00Z" });
    switch (deed) {
      case "run": {
        if (isLeaving || pod.status.phase !== "Pending") break;
        if (!pod.spec.nodeName) {
          const target = { apiVersion: "v1", kind: "Node", name: nodeOf(pod) ?? "n1" };
          const body = { apiVersion: "v1", kind: "Binding", metadata: { ...one, namespace }, target };
          await ask(api, namespace, "Pod", { verb: "create", ...one, subresource: "binding", body });
        }
        await report({ phase: "Running", conditions: [condition("True")] });
        break;
      }
      case "unready":
        if (!isLeaving) await report({ conditions: [condition("False")] });
        break;
      case "ready":
        if (!isLeaving) await report({ conditions: [condition("True")] });
        break;
      case "fail":
        if (!isLeaving) await report({ phase: "Failed", conditions: [condition("False")] });
        break;
      case "succeed":
        if (!isLeaving) await report({ phase: "Succeeded", conditions: [condition("False")] });
        break;
      case "reap":
        if (isLeaving) await ask(api, namespace, "Pod", { verb: "delete", ...one, body: { gracePeriodSeconds: 0 } });
        break;
      case "delete":
        await ask(api, namespace, "Pod", { verb: "delete", ...one, body: {} });
        break;
      default:
        throw new Error(`no deed ${deed}`);
    }
  }
}

function ask(api, namespace, kind, request) {
  const { clusterWide, ...target } = KINDS[kind];
  return api.ask({ ...request, target: clusterWide ? target : { ...target, namespace } });
}

async function list(api, namespace, kind) {
  return (await ask(api, namespace, kind, { verb: "list" })).items;
}

function nodeOf({ spec }) {
  if (spec.nodeName) return spec.nodeName;
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms.flatMap(({ matchFields = [] }) => matchFields).find(({ key }) => key === "metadata.name")?.values[0];
}

function isDaemons({ metadata }) {
  return metadata.generateName !== undefined && metadata.labels?.["apps.kubernetes.io/pod-index"] === undefined;
}

function shortName(pod) {
  return isDaemons(pod) ? `${pod.metadata.generateName}${nodeOf(pod)}` : pod.metadata.name;
}

async function look(namespace, api, { revisions: names }) {
  const revisions = await list(api, namespace, "ControllerRevision");
  revisions.sort((left, right) => left.revision - right.revision);
  for (const { metadata } of revisions) {
    if (!names.has(metadata.name)) names.set(metadata.name, `r${names.size + 1}`);
  }
  const named = (name) => [...names].find(([full]) => full === name || full.endsWith(`-${name}`))?.[1] ?? name;
  const pods = await list(api, namespace, "Pod");
  const sets = [...(await list(api, namespace, "StatefulSet")), ...(await list(api, namespace, "DaemonSet"))];
  return {
    sets: sets.map((set) => setLine(set, named)),
    pods: sorted(pods.map((pod) => podLine(pod, named))),
    revisions: revisions.map(({ metadata, revision }) => `${named(metadata.name)} is ${revision}${owners(metadata)}`),
    claims: (await list(api, namespace, "PersistentVolumeClaim")).map(({ metadata }) => {
      const labels = Object.entries(metadata.labels ?? {}).map((pair) => pair.join("="));
      return `${metadata.name} ${sorted(labels).join()}${metadata.deletionTimestamp ? " leaving" : ""}${owners(metadata)}`;
    }),
    events: sorted([
      ...new Set(
        (await list(api, namespace, "Event"))
          .filter(({ involvedObject }) => ["StatefulSet", "DaemonSet"].includes(involvedObject.kind))
          .map(
            ({ type, reason, message }) =>
              `${type} ${reason}: ${message.replaceAll(namespace, "here").replace(/\b(agent)-[a-z0-9]{5}\b/g, "$1-*")}`,
          ),
      ),
    ]),
  };
}

function setLine({ metadata, status }, named) {
  const counts = Object.entries(status)
    .filter(([key, value]) => key !== "conditions" && value !== 0)
    .map(([key, value]) => `${key} ${key.endsWith("Revision") ? named(value) : value}`);
  return `${metadata.name}${metadata.deletionTimestamp ? " leaving" : ""}: ${sorted(counts).join(", ")}`;
}

function podLine(pod, named) {
  const { metadata, spec, status } = pod;
  const ready = status.conditions?.find(({ type }) => type === "Ready")?.status === "True" ? " ready" : "";
  const labels = { ...metadata.labels };
  labels["controller-revision-hash"] = named(labels["controller-revision-hash"]);
  const told = Object.entries(labels)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, value]) => `${key.replace(/^.*\//, "")}=${value}`);
  const host = spec.hostname === undefined ? "" : ` as ${spec.hostname}.${spec.subdomain ?? ""}`;
  const leaving = metadata.deletionTimestamp ? " leaving" : "";
  return `${shortName(pod)} ${status.phase}${ready}${leaving}${host} ${told.join()}${owners(metadata)}`;
}

function sorted(texts) {
  return texts.sort((left, right) => (left < right ? -1 : left > right ? 1 : 0));
}

function owners({ ownerReferences = [] }) {
  return ownerReferences
    .map(({ kind, name, controller }) => ` of ${kind}/${name}${controller ? "" : " (no controller)"}`)
    .join("");
}
