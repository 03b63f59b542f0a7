// The situations that `record-controllers.mjs` records.

const volume = (name, storage, spec = {}, metadata = {}) => ({
  kind: "PersistentVolume",
  metadata: { name: `$${name}`, ...metadata },
  spec: {
    capacity: { storage },
    accessModes: ["ReadWriteOnce"],
    storageClassName: "$c",
    hostPath: { path: `/data/${name}` },
    ...spec,
  },
});
const claim = (name, storage, spec = {}, metadata = {}) => ({
  kind: "PersistentVolumeClaim",
  metadata: { name, ...metadata },
  spec: {
    accessModes: ["ReadWriteOnce"],
    storageClassName: "$c",
    resources: { requests: { storage } },
    ...spec,
  },
});
const storageClass = (more = {}, name = "c") => ({
  kind: "StorageClass",
  metadata: { name: `$${name}` },
  provisioner: "kubernetes.io/no-provisioner",
  ...more,
});
const pod = (name, spec = {}, metadata = {}) => ({
  kind: "Pod",
  metadata: { name, ...metadata },
  spec: {
    schedulerName: "nobody",
    terminationGracePeriodSeconds: 0,
    containers: [{ name: "c", image: "a:1" }],
    ...spec,
  },
});
const quota = (hard, spec = {}, name = "q") => ({ kind: "ResourceQuota", metadata: { name }, spec: { hard, ...spec } });
const asking = (requests, limits) => ({
  containers: [{ name: "c", image: "a:1", resources: { ...(requests && { requests }), ...(limits && { limits }) } }],
});
const controller = (replicas, spec = {}) => ({
  kind: "ReplicationController",
  metadata: { name: "rc" },
  spec: {
    replicas,
    selector: { app: "rc" },
    template: { metadata: { labels: { app: "rc" } }, spec: { containers: [{ name: "c", image: "a:1" }] } },
    ...spec,
  },
});
const role = (name, more) => ({ kind: "ClusterRole", metadata: { name: `$${name}`, ...more.metadata }, ...more.role });
const rule = (resource) => ({ apiGroups: [""], resources: [resource], verbs: ["get"] });
const late = { volumeBindingMode: "WaitForFirstConsumer" };
const waits = storageClass(late);
const external = (more = {}) => storageClass({ provisioner: "example.com/disk", ...more });

export const SITUATIONS = [
  {
    name: "the smallest volume that holds the claim",
    steps: [
      { create: [volume("big", "10Gi"), volume("middle", "5Gi"), volume("small", "1Gi")] },
      { create: claim("a", "3Gi") },
      { create: claim("b", "3Gi") },
      { create: claim("c", "3Gi") },
      { create: volume("late", "3Gi") },
    ],
  },
  {
    name: "access modes",
    steps: [
      {
        create: [
          volume("one", "1Gi"),
          volume("many", "2Gi", { accessModes: ["ReadWriteOnce", "ReadWriteMany"] }),
          volume("readers", "3Gi", { accessModes: ["ReadOnlyMany"] }),
        ],
      },
      { create: claim("b", "1Gi", { accessModes: ["ReadWriteMany"] }) },
      { create: claim("c", "1Gi", { accessModes: ["ReadOnlyMany"] }) },
      { create: claim("d", "2Gi") },
      { create: claim("e", "1Gi", { accessModes: ["ReadWriteOncePod"] }) },
      { create: claim("f", "1Gi") },
    ],
  },
  {
    name: "volumes of fewer access modes come first",
    steps: [
      {
        create: [
          volume("many", "1Gi", { accessModes: ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany"] }),
          volume("one", "5Gi"),
        ],
      },
      { create: claim("a", "1Gi") },
    ],
  },
  {
    name: "volume modes",
    steps: [
      { create: volume("files", "1Gi") },
      { create: claim("block", "1Gi", { volumeMode: "Block" }) },
      {
        create: volume("raw", "1Gi", {
          volumeMode: "Block",
          hostPath: undefined,
          local: { path: "/dev/x" },
          nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "a", operator: "Exists" }] }] } },
        }),
      },
    ],
  },
  {
    name: "a selector",
    steps: [
      { create: [volume("plain", "1Gi"), volume("fast", "5Gi", {}, { labels: { speed: "fast" } })] },
      { create: claim("a", "1Gi", { selector: { matchLabels: { speed: "fast" } } }) },
      {
        create: claim("b", "1Gi", {
          selector: { matchExpressions: [{ key: "speed", operator: "In", values: ["slow"] }] },
        }),
      },
    ],
  },
  {
    name: "a volume that names its claim",
    steps: [
      { create: volume("mine", "9Gi", { claimRef: { namespace: "NAMESPACE", name: "a" } }) },
      { create: volume("other", "1Gi") },
      { create: claim("a", "1Gi") },
      { create: claim("b", "1Gi") },
    ],
  },
  {
    name: "a volume that names its claim and does not fit",
    steps: [
      { create: volume("mine", "1Gi", { claimRef: { namespace: "NAMESPACE", name: "a" } }) },
      { create: claim("a", "5Gi") },
      { create: volume("fits", "5Gi") },
    ],
  },
  {
    name: "a volume that names its claim and is of another mode",
    steps: [
      {
        create: volume("raw", "1Gi", {
          claimRef: { namespace: "NAMESPACE", name: "a" },
          volumeMode: "Block",
          hostPath: undefined,
          local: { path: "/dev/x" },
          nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "a", operator: "Exists" }] }] } },
        }),
      },
      { create: claim("a", "1Gi") },
    ],
  },
  {
    name: "a claim that names its volume",
    steps: [
      { create: claim("a", "1Gi", { volumeName: "$v" }) },
      { create: volume("v", "5Gi") },
      { create: claim("b", "1Gi", { volumeName: "$v" }) },
      { remove: ["PersistentVolumeClaim", "a"] },
    ],
  },
  {
    name: "a claim that names a volume that does not suit it",
    steps: [
      {
        create: [
          volume("small", "1Gi"),
          volume("other", "5Gi", { storageClassName: "$d" }),
          volume("readers", "5Gi", { accessModes: ["ReadOnlyMany"] }),
        ],
      },
      { create: claim("a", "2Gi", { volumeName: "$small" }) },
      { create: claim("b", "2Gi", { volumeName: "$other" }) },
      { create: claim("c", "2Gi", { volumeName: "$readers" }) },
    ],
  },
  {
    name: "both name another",
    steps: [
      { create: volume("v", "1Gi", { claimRef: { namespace: "NAMESPACE", name: "a" } }) },
      { create: volume("w", "1Gi") },
      { create: claim("a", "1Gi", { volumeName: "$w" }) },
      { create: claim("b", "1Gi") },
    ],
  },
  {
    name: "what is kept of a claim that is deleted",
    steps: [
      { create: volume("v", "1Gi", { persistentVolumeReclaimPolicy: "Retain" }) },
      { create: claim("a", "1Gi") },
      { remove: ["PersistentVolumeClaim", "a"] },
      { create: claim("a", "1Gi") },
      { patch: ["PersistentVolume", "$v", { spec: { claimRef: null } }] },
      { remove: ["PersistentVolumeClaim", "a"] },
      { remove: ["PersistentVolume", "$v"] },
    ],
  },
  {
    name: "a volume to be deleted that nobody can delete",
    steps: [
      {
        create: volume("v", "1Gi", {
          persistentVolumeReclaimPolicy: "Delete",
          hostPath: undefined,
          nfs: { server: "s", path: "/" },
        }),
      },
      { create: claim("a", "1Gi") },
      { remove: ["PersistentVolumeClaim", "a"] },
    ],
  },
  {
    name: "a volume of an external provisioner that is to be deleted",
    steps: [
      {
        create: volume(
          "v",
          "1Gi",
          { persistentVolumeReclaimPolicy: "Delete" },
          { annotations: { "pv.kubernetes.io/provisioned-by": "example.com/disk" } },
        ),
      },
      { create: claim("a", "1Gi") },
      { remove: ["PersistentVolumeClaim", "a"] },
    ],
  },
  {
    name: "a bound volume is deleted",
    steps: [
      { create: volume("v", "1Gi") },
      { create: claim("a", "1Gi") },
      { remove: ["PersistentVolume", "$v"] },
      { remove: ["PersistentVolumeClaim", "a"] },
    ],
  },
  {
    name: "a bound volume is lost",
    steps: [
      { create: volume("v", "1Gi") },
      { create: claim("a", "1Gi") },
      { remove: ["PersistentVolume", "$v"] },
      { patch: ["PersistentVolume", "$v", { metadata: { finalizers: null } }] },
      { create: volume("v", "1Gi") },
    ],
  },
  {
    name: "a volume that is being deleted takes no claim",
    steps: [
      { create: volume("v", "1Gi", {}, { finalizers: ["example.com/kept"] }) },
      { remove: ["PersistentVolume", "$v"] },
      { create: claim("a", "1Gi") },
    ],
  },
  {
    name: "a bound volume's reference is taken away",
    steps: [
      { create: volume("v", "1Gi") },
      { create: claim("a", "1Gi") },
      { patch: ["PersistentVolume", "$v", { spec: { claimRef: null } }] },
    ],
  },
  {
    name: "a claim in use is deleted",
    steps: [
      { create: volume("v", "1Gi") },
      { create: claim("a", "1Gi") },
      {
        create: pod("user", {
          nodeName: "nowhere",
          volumes: [{ name: "d", persistentVolumeClaim: { claimName: "a" } }],
        }),
      },
      { remove: ["PersistentVolumeClaim", "a"] },
      { remove: ["Pod", "user", { gracePeriodSeconds: 0 }] },
    ],
  },
  {
    name: "a claim of no class that nobody is there for",
    steps: [
      { create: claim("a", "1Gi", { storageClassName: "", selector: { matchLabels: { mark: "$mark" } } }) },
      { create: volume("v", "1Gi", { storageClassName: "" }, { labels: { mark: "$mark" } }) },
    ],
  },
  {
    name: "a claim of a class that is not there",
    steps: [{ create: claim("a", "1Gi") }, { create: storageClass() }],
  },
  {
    name: "a class that provisions nothing",
    steps: [{ create: storageClass() }, { create: claim("a", "1Gi") }, { create: volume("v", "1Gi") }],
  },
  {
    name: "an external provisioner",
    steps: [
      { create: external() },
      { create: claim("a", "1Gi") },
      {
        create: volume(
          "v",
          "1Gi",
          { claimRef: { namespace: "NAMESPACE", name: "a" }, persistentVolumeReclaimPolicy: "Delete" },
          { annotations: { "pv.kubernetes.io/provisioned-by": "example.com/disk" } },
        ),
      },
    ],
  },
  {
    name: "a claim that waits for its first consumer",
    steps: [
      { create: waits },
      { create: volume("v", "1Gi") },
      { create: claim("a", "1Gi") },
      { create: pod("user", { volumes: [{ name: "d", persistentVolumeClaim: { claimName: "a" } }] }) },
      { patch: ["PersistentVolume", "$v", { spec: { claimRef: { namespace: "NAMESPACE", name: "a" } } }] },
    ],
  },
  {
    name: "a claim whose node is chosen is provisioned",
    steps: [
      { create: external(late) },
      { create: claim("a", "1Gi") },
      {
        patch: [
          "PersistentVolumeClaim",
          "a",
          { metadata: { annotations: { "volume.kubernetes.io/selected-node": "nowhere" } } },
        ],
      },
    ],
  },
  {
    name: "a claim that waits and whose volume names it",
    steps: [
      { create: waits },
      { create: volume("v", "1Gi", { claimRef: { namespace: "NAMESPACE", name: "a" } }) },
      { create: claim("a", "1Gi") },
    ],
  },
  {
    name: "a bound claim asks for more",
    steps: [
      { create: external({ allowVolumeExpansion: true }) },
      { create: volume("v", "1Gi", {}, { annotations: { "pv.kubernetes.io/provisioned-by": "example.com/disk" } }) },
      { create: claim("a", "1Gi") },
      { patch: ["PersistentVolumeClaim", "a", { spec: { resources: { requests: { storage: "2Gi" } } } }] },
      { patch: ["PersistentVolumeClaim", "a", { spec: { resources: { requests: { storage: "512Mi" } } } }] },
    ],
  },
  {
    name: "a claim may not ask for more",
    steps: [
      {
        create: [
          external(),
          volume("v", "1Gi"),
          volume("w", "1Gi", { storageClassName: "" }, { labels: { mark: "$mark" } }),
        ],
      },
      {
        create: [
          claim("a", "1Gi"),
          claim("b", "1Gi", { storageClassName: "", selector: { matchLabels: { mark: "$mark" } } }),
          claim("c", "5Gi"),
        ],
      },
      { patch: ["PersistentVolumeClaim", "a", { spec: { resources: { requests: { storage: "2Gi" } } } }] },
      { patch: ["PersistentVolumeClaim", "b", { spec: { resources: { requests: { storage: "2Gi" } } } }] },
      { patch: ["PersistentVolumeClaim", "c", { spec: { resources: { requests: { storage: "6Gi" } } } }] },
      { patch: ["PersistentVolumeClaim", "a", { spec: { volumeName: "$w" } }] },
    ],
  },
  {
    name: "a pod's own volumes",
    steps: [
      {
        create: pod("user", {
          volumes: [
            {
              name: "own",
              ephemeral: {
                volumeClaimTemplate: {
                  metadata: { labels: { a: "b" }, annotations: { c: "d" } },
                  spec: {
                    accessModes: ["ReadWriteOnce"],
                    storageClassName: "$c",
                    resources: { requests: { storage: "1Gi" } },
                  },
                },
              },
            },
          ],
        }),
      },
      { remove: ["Pod", "user", { gracePeriodSeconds: 0 }] },
    ],
  },
  {
    name: "a pod's own volume whose name is taken",
    steps: [
      { create: claim("user-own", "1Gi", { selector: { matchLabels: { mark: "$mark" } }, storageClassName: "" }) },
      {
        create: pod("user", {
          volumes: [
            {
              name: "own",
              ephemeral: {
                volumeClaimTemplate: {
                  spec: {
                    accessModes: ["ReadWriteOnce"],
                    storageClassName: "",
                    resources: { requests: { storage: "1Gi" } },
                  },
                },
              },
            },
          ],
        }),
      },
    ],
  },
  {
    name: "a replication controller, up and down",
    steps: [
      { create: controller(3) },
      { pods: { do: "run" } },
      { patch: ["ReplicationController", "rc", { spec: { replicas: 1 } }] },
      { pods: { do: "fail" } },
      { patch: ["ReplicationController", "rc", { spec: { replicas: 0 } }] },
    ],
  },
  {
    name: "a replication controller takes in what matches, and is deleted",
    steps: [
      { create: pod("solo", {}, { labels: { app: "rc" } }) },
      { create: controller(2) },
      { patch: ["Pod", "solo", { metadata: { labels: { app: "other" } } }] },
      { remove: ["ReplicationController", "rc", { propagationPolicy: "Background" }] },
    ],
  },
  {
    name: "a replication controller that waits for its pods to be available, and is refused some",
    steps: [
      { create: quota({ pods: "2" }) },
      { create: controller(3, { minReadySeconds: 3_600 }) },
      { pods: { do: "run" } },
      { patch: ["ReplicationController", "rc", { spec: { replicas: 2 } }] },
    ],
  },
  {
    name: "a quota of pods and what they ask for",
    steps: [
      { create: quota({ pods: "3", "requests.cpu": "1", "limits.memory": "1Gi" }) },
      { create: pod("bare") },
      { create: pod("a", asking({ cpu: "500m" }, { memory: "512Mi" })) },
      { create: pod("b", asking({ cpu: "600m" }, { memory: "512Mi" })) },
      { create: pod("c", asking({ cpu: "400m" }, { memory: "600Mi" })) },
      { create: pod("d", asking({ cpu: "500m" }, { memory: "512Mi" })) },
      { create: pod("e", asking({ cpu: "1" }, { memory: "1Gi" })) },
      { pods: { do: "succeed" } },
      { create: pod("f", asking({ cpu: "1" }, { memory: "1Gi" })) },
      { remove: ["Pod", "f", { gracePeriodSeconds: 0 }] },
    ],
  },
  {
    name: "a quota of objects",
    steps: [
      {
        create: quota({
          services: "1",
          "count/configmaps": "2",
          secrets: "1",
          "count/deployments.apps": "0",
          "services.nodeports": "0",
        }),
      },
      { create: { kind: "ConfigMap", metadata: { name: "a" } } },
      { create: { kind: "ConfigMap", metadata: { name: "b" } } },
      { create: { kind: "Secret", metadata: { name: "a" } } },
      { create: { kind: "Secret", metadata: { name: "b" } } },
      { create: { kind: "Service", metadata: { name: "a" }, spec: { ports: [{ port: 80 }], type: "NodePort" } } },
      { create: { kind: "Service", metadata: { name: "a" }, spec: { ports: [{ port: 80 }] } } },
      { patch: ["Service", "a", { spec: { type: "NodePort" } }] },
      { remove: ["ConfigMap", "a"] },
      { patch: ["ResourceQuota", "q", { spec: { hard: { "count/configmaps": "1" } } }] },
      { create: { kind: "ConfigMap", metadata: { name: "c" } } },
    ],
  },
  {
    name: "a quota of storage",
    steps: [
      {
        create: quota({
          persistentvolumeclaims: "2",
          "requests.storage": "10Gi",
          "$c.storageclass.storage.k8s.io/requests.storage": "5Gi",
          "$d.storageclass.storage.k8s.io/persistentvolumeclaims": "0",
        }),
      },
      { create: claim("a", "6Gi") },
      { create: claim("a", "4Gi") },
      { create: claim("b", "1Gi", { storageClassName: "$d" }) },
      { create: claim("b", "7Gi", { storageClassName: "$e" }) },
      { create: claim("b", "6Gi", { storageClassName: "$e" }) },
      { create: claim("x", "1Gi", { storageClassName: "$e" }) },
      { remove: ["PersistentVolumeClaim", "a"] },
    ],
  },
  {
    name: "quotas of some pods only",
    steps: [
      {
        create: [
          quota({ pods: "1" }, { scopes: ["BestEffort"] }, "best"),
          quota({ pods: "1" }, { scopes: ["NotBestEffort"] }, "not-best"),
          quota({ pods: "1" }, { scopes: ["Terminating"] }, "ending"),
        ],
      },
      { create: pod("a") },
      { create: pod("b") },
      { create: pod("c", asking({ cpu: "1" })) },
      { create: pod("d", asking({ cpu: "1" })) },
      { create: pod("e", { ...asking({ cpu: "1" }), activeDeadlineSeconds: 5 }) },
      { patch: ["Pod", "a", { spec: { activeDeadlineSeconds: 50 } }] },
    ],
  },
  {
    name: "a quota of a priority",
    steps: [
      { create: { kind: "PriorityClass", metadata: { name: "$high" }, value: 1000 } },
      {
        create: quota(
          { pods: "1" },
          { scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator: "In", values: ["$high"] }] } },
        ),
      },
      { create: pod("a") },
      { create: pod("b", { priorityClassName: "$high" }) },
      { create: pod("c", { priorityClassName: "$high" }) },
    ],
  },
  {
    name: "two quotas, of which each counts",
    steps: [
      { create: [quota({ cpu: "2" }, {}, "wide"), quota({ pods: "5", memory: "1Gi" }, {}, "tight")] },
      { create: pod("bare", asking({ memory: "1Mi" })) },
      { create: pod("a", asking({ cpu: "1", memory: "512Mi" })) },
      { create: pod("b", asking({ cpu: "3", memory: "256Mi" })) },
      { create: pod("b", asking({ cpu: "1", memory: "1Gi" })) },
      { remove: ["ResourceQuota", "tight"] },
      { create: pod("c", asking({ cpu: "1", memory: "512Gi" })) },
    ],
  },
  {
    name: "a role of roles",
    steps: [
      {
        create: role("sum", {
          role: { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { to: "$sum" } }] }, rules: [] },
        }),
      },
      { create: role("b", { metadata: { labels: { to: "$sum" } }, role: { rules: [rule("pods"), rule("nodes")] } }) },
      { create: role("a", { metadata: { labels: { to: "$sum" } }, role: { rules: [rule("secrets"), rule("pods")] } }) },
      { patch: ["ClusterRole", "$b", { rules: [rule("services")] }] },
      { patch: ["ClusterRole", "$a", { metadata: { labels: null } }] },
      { remove: ["ClusterRole", "$b"] },
      { patch: ["ClusterRole", "$sum", { rules: [rule("endpoints")] }] },
    ],
  },
];
