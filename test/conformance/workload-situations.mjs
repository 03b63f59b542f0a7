// The situations that `record-workloads.mjs` records.

const containers = (image) => [{ name: "c", image }];
const template = (app, image = "a:1") => ({ metadata: { labels: { app } }, spec: { containers: containers(image) } });
const image = (name) => ({ spec: { template: { spec: { containers: containers(name) } } } });

function stateful(spec = {}) {
  const selector = { matchLabels: { app: "web" } };
  return {
    kind: "StatefulSet",
    metadata: { name: "web" },
    spec: { replicas: 3, serviceName: "web", selector, template: template("web"), ...spec },
  };
}

function daemon(spec = {}) {
  const selector = { matchLabels: { app: "agent" } };
  return { kind: "DaemonSet", metadata: { name: "agent" }, spec: { selector, template: template("agent"), ...spec } };
}

const node = (name, more = {}) => ({
  create: { kind: "Node", metadata: { name, ...more.metadata }, spec: more.spec ?? {} },
});
const pods = (deed, ...of) => ({ pods: of.length === 0 ? { do: deed } : { do: deed, of } });
const set = (patch) => ({ patch: ["StatefulSet", "web", patch] });
const daemons = (patch) => ({ patch: ["DaemonSet", "agent", patch] });
const replicas = (count) => set({ spec: { replicas: count } });
const rolling = (rollingUpdate) => ({ updateStrategy: { type: "RollingUpdate", rollingUpdate } });
const claims = [
  {
    metadata: { name: "data", labels: { kept: "yes" } },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
  },
];
const allRun = [pods("run"), pods("run"), pods("run")];

/** Pods of StatefulSets are put on `n1`. */
export const SITUATIONS = [
  {
    name: "one after the other, up and down",
    steps: [node("n1"), { create: stateful() }, ...allRun, replicas(1), pods("reap"), pods("reap")],
  },
  {
    name: "all at once, up and down",
    steps: [
      node("n1"),
      { create: stateful({ podManagementPolicy: "Parallel" }) },
      pods("run"),
      replicas(1),
      pods("reap"),
      replicas(0),
      pods("reap"),
    ],
  },
  {
    name: "a rolling update, and back",
    steps: [
      node("n1"),
      { create: stateful() },
      ...allRun,
      set(image("a:2")),
      pods("reap"),
      pods("run"),
      pods("reap"),
      pods("run"),
      pods("reap"),
      pods("run"),
      set(image("a:1")),
      pods("reap"),
      pods("run"),
    ],
  },
  {
    name: "a rolling update of the last ones only, and a pod that is lost meanwhile",
    steps: [
      node("n1"),
      { create: stateful(rolling({ partition: 2 })) },
      ...allRun,
      set(image("a:2")),
      pods("reap"),
      pods("run"),
      pods("delete", "web-0"),
      pods("reap"),
      pods("run"),
      set({ spec: rolling({ partition: 1 }) }),
      pods("reap"),
      pods("run"),
    ],
  },
  {
    name: "a rolling update of two at a time, in order",
    steps: [
      node("n1"),
      { create: stateful({ replicas: 4, ...rolling({ maxUnavailable: 2 }) }) },
      ...allRun,
      pods("run"),
      set(image("a:2")),
      pods("reap"),
      pods("run"),
      pods("run"),
      pods("reap"),
      pods("run"),
      pods("run"),
    ],
  },
  {
    name: "a rolling update of half of all at a time",
    steps: [
      node("n1"),
      { create: stateful({ replicas: 4, podManagementPolicy: "Parallel", ...rolling({ maxUnavailable: "50%" }) }) },
      pods("run"),
      pods("unready", "web-1"),
      set(image("a:2")),
      pods("reap"),
      pods("run"),
      pods("ready"),
      pods("reap"),
      pods("run"),
    ],
  },
  {
    name: "only what is deleted is updated",
    steps: [
      node("n1"),
      { create: stateful({ replicas: 2, updateStrategy: { type: "OnDelete" } }) },
      ...allRun,
      set(image("a:2")),
      pods("delete", "web-0"),
      pods("reap"),
      pods("run"),
      pods("delete", "web-1"),
      pods("reap"),
      pods("run"),
    ],
  },
  {
    name: "stuck at a broken revision, and mended, in order",
    steps: [
      node("n1"),
      { create: stateful({ replicas: 2 }) },
      ...allRun,
      set(image("a:broken")),
      pods("reap"),
      set(image("a:3")),
      pods("reap"),
      pods("delete", "web-1"),
      pods("reap"),
      pods("run"),
      pods("reap"),
      pods("run"),
    ],
  },
  {
    name: "stuck at a broken revision, and mended, all at once",
    steps: [
      node("n1"),
      { create: stateful({ replicas: 2, podManagementPolicy: "Parallel" }) },
      pods("run"),
      set(image("a:broken")),
      pods("reap"),
      set(image("a:3")),
      pods("reap"),
      pods("run"),
      pods("reap"),
      pods("run"),
    ],
  },
  {
    name: "scaled while it is updated, and while one is not ready",
    steps: [
      node("n1"),
      { create: stateful() },
      ...allRun,
      pods("unready", "web-1"),
      replicas(1),
      pods("ready", "web-1"),
      pods("reap"),
      set({ spec: { replicas: 3, ...image("a:2").spec } }),
      pods("reap"),
      ...allRun,
      pods("reap"),
      pods("run"),
    ],
  },
  {
    name: "pods that have ended are made anew",
    steps: [
      node("n1"),
      { create: stateful({ replicas: 2 }) },
      pods("run"),
      pods("run"),
      pods("fail", "web-0"),
      pods("reap"),
      pods("run"),
      pods("succeed", "web-1"),
      pods("reap"),
      pods("run"),
    ],
  },
  {
    name: "ordinals that begin elsewhere, and move",
    steps: [
      node("n1"),
      { create: stateful({ replicas: 2, ordinals: { start: 5 } }) },
      ...allRun,
      set({ spec: { ordinals: { start: 6 } } }),
      pods("run"),
      pods("reap"),
    ],
  },
  {
    name: "claims that stay",
    steps: [
      node("n1"),
      { create: stateful({ replicas: 2, volumeClaimTemplates: claims }) },
      ...allRun,
      replicas(1),
      pods("reap"),
      replicas(2),
      pods("run"),
      { remove: ["StatefulSet", "web", {}] },
      pods("reap"),
    ],
  },
  {
    name: "claims that go with their pods",
    steps: [
      node("n1"),
      {
        create: stateful({
          replicas: 2,
          volumeClaimTemplates: claims,
          persistentVolumeClaimRetentionPolicy: { whenScaled: "Delete", whenDeleted: "Retain" },
        }),
      },
      ...allRun,
      replicas(1),
      pods("reap"),
      set({ spec: { persistentVolumeClaimRetentionPolicy: { whenScaled: "Retain", whenDeleted: "Delete" } } }),
      set({ spec: { persistentVolumeClaimRetentionPolicy: { whenScaled: "Delete", whenDeleted: "Delete" } } }),
      replicas(2),
      pods("run"),
      replicas(1),
      pods("reap"),
      { remove: ["StatefulSet", "web", {}] },
      pods("reap"),
    ],
  },
  {
    name: "its pods and revisions are taken over by one of the same name",
    steps: [
      node("n1"),
      { create: stateful({ replicas: 2 }) },
      ...allRun,
      { remove: ["StatefulSet", "web", { propagationPolicy: "Orphan" }] },
      { create: stateful({ replicas: 2 }) },
      { patch: ["Pod", "web-1", { metadata: { labels: { app: "other" } } }] },
      pods("run"),
    ],
  },
  {
    name: "old revisions go, and a number is never used again",
    steps: [
      node("n1"),
      { create: stateful({ replicas: 1, revisionHistoryLimit: 1 }) },
      pods("run"),
      ...["a:2", "a:3", "a:2", "a:4"].flatMap((name) => [set(image(name)), pods("reap"), pods("run")]),
    ],
  },
  {
    name: "a pod on each node that it wants",
    steps: [
      node("n1", { metadata: { labels: { disk: "ssd" } } }),
      node("n2", { metadata: { labels: { disk: "hdd" } } }),
      { create: daemon() },
      pods("run"),
      node("n3", { metadata: { labels: { disk: "ssd" } } }),
      pods("run"),
      daemons({ spec: { template: { spec: { nodeSelector: { disk: "ssd" } } } } }),
      pods("reap"),
      pods("run"),
      pods("reap"),
      pods("run"),
      { patch: ["Node", "n2", { metadata: { labels: { disk: "ssd" } } }] },
      pods("run"),
      { patch: ["Node", "n1", { metadata: { labels: { disk: "hdd" } } }] },
      pods("reap"),
    ],
  },
  {
    name: "taints that keep it away, and those that do not",
    steps: [
      node("n1", { spec: { taints: [{ key: "own", value: "x", effect: "NoSchedule" }] } }),
      node("n2", { spec: { unschedulable: true } }),
      node("n3"),
      { create: daemon() },
      pods("run"),
      daemons({ spec: { template: { spec: { tolerations: [{ key: "own", operator: "Exists" }] } } } }),
      pods("reap"),
      pods("run"),
      pods("reap"),
      pods("run"),
    ],
  },
  {
    name: "another template on a node, and back",
    steps: [
      node("n1"),
      { create: daemon() },
      pods("run"),
      daemons(image("a:2")),
      pods("reap"),
      pods("run"),
      daemons(image("a:1")),
      pods("reap"),
      pods("run"),
    ],
  },
  {
    name: "all nodes at once, and one that is not ready",
    steps: [
      node("n1"),
      node("n2"),
      node("n3"),
      { create: daemon(rolling({ maxUnavailable: "100%" })) },
      pods("run"),
      daemons(image("a:2")),
      pods("reap"),
      pods("run"),
      daemons({ spec: rolling({ maxUnavailable: 1 }) }),
      pods("unready", "agent-n2"),
      daemons(image("a:3")),
      pods("reap"),
      pods("run"),
    ],
  },
  {
    name: "new pods beside old ones",
    steps: [
      node("n1"),
      { create: daemon(rolling({ maxSurge: 1, maxUnavailable: 0 })) },
      pods("run"),
      daemons(image("a:2")),
      pods("run"),
      pods("reap"),
      pods("unready"),
      daemons(image("a:3")),
      pods("reap"),
      pods("run"),
    ],
  },
  {
    name: "only what is deleted is updated, on nodes",
    steps: [
      node("n1"),
      node("n2"),
      { create: daemon({ updateStrategy: { type: "OnDelete" } }) },
      pods("run"),
      daemons(image("a:2")),
      pods("delete", "agent-n2"),
      pods("reap"),
      pods("run"),
    ],
  },
  {
    name: "pods of nodes that have ended are made anew",
    steps: [
      node("n1"),
      node("n2"),
      { create: daemon() },
      pods("run"),
      pods("fail", "agent-n1"),
      pods("reap"),
      pods("succeed", "agent-n2"),
      pods("reap"),
      pods("run"),
    ],
  },
  {
    name: "pods of nodes are taken over by one of the same name, and let go",
    steps: [
      node("n1"),
      { create: daemon() },
      pods("run"),
      { remove: ["DaemonSet", "agent", { propagationPolicy: "Orphan" }] },
      { create: daemon() },
      daemons({ spec: { revisionHistoryLimit: 0 } }),
      daemons(image("a:2")),
      pods("reap"),
      pods("run"),
      { remove: ["DaemonSet", "agent", {}] },
      pods("reap"),
    ],
  },
];
