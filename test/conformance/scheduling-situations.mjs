// What nodes and pods there are, and what a scheduler makes of them: the table that `record-scheduling.mjs` has recorded from a real
// kube-scheduler, and that `scheduling.test.ts` holds ours to. The profiles are those of `scheduling-profiles.yaml`.

const ZONE = "topology.kubernetes.io/zone";
const HOST = "kubernetes.io/hostname";

const node = (name, { cpu = "4", memory = "8Gi", pods = "110", labels = {}, capacity = {}, images, ...spec } = {}) => ({
  metadata: { name, labels: { [HOST]: name, ...labels } },
  spec,
  status: { allocatable: { cpu, memory, pods, ...capacity }, ...(images === undefined ? {} : { images }) },
});
const inZone = (name, zone, more = {}) => node(name, { ...more, labels: { [ZONE]: zone, ...more.labels } });

const CLASSES = { low: 10, middle: 100, high: 1000, never: 1000 };
const pod = (
  name,
  { cpu, memory, requests = {}, labels, priority, on, owner, containers, startTime, ...spec } = {},
) => ({
  metadata: {
    name,
    ...(labels === undefined ? {} : { labels }),
    ...(owner === undefined
      ? {}
      : {
          ownerReferences: [
            {
              apiVersion: "apps/v1",
              kind: "ReplicaSet",
              name: owner,
              uid: "9f3c0000-0000-4000-8000-000000000001",
              controller: true,
            },
          ],
        }),
  },
  spec: {
    containers: containers ?? [
      {
        name: "c",
        image: "pause",
        resources: {
          requests: { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }), ...requests },
          ...(Object.keys(requests).some((key) => key.includes("/")) ? { limits: requests } : {}),
        },
      },
    ],
    ...(priority === undefined ? {} : { priorityClassName: priority, priority: CLASSES[priority] }),
    ...(on === undefined ? {} : { nodeName: on }),
    ...spec,
  },
  ...(startTime === undefined ? {} : { status: { startTime } }),
});

const taint = (key, effect = "NoSchedule", value) => ({ key, effect, ...(value === undefined ? {} : { value }) });
const inKey = (key, ...values) => ({ key, operator: "In", values });
const requireNodes = (...terms) => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } },
});
const preferNodes = (...terms) => ({
  affinity: {
    nodeAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: terms.map(([weight, ...matchExpressions]) => ({
        weight,
        preference: { matchExpressions },
      })),
    },
  },
});
const term = (matchLabels, topologyKey = HOST, more = {}) => ({ topologyKey, labelSelector: { matchLabels }, ...more });
const beside = (...terms) => ({ podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } });
const apart = (...terms) => ({ podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } });
const weighted = (terms) => terms.map(([weight, podAffinityTerm]) => ({ weight, podAffinityTerm }));
const likesBeside = (...terms) => ({
  podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: weighted(terms) },
});
const likesApart = (...terms) => ({
  podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: weighted(terms) },
});
const spread = (matchLabels, { key = ZONE, skew = 1, soft = false, ...more } = {}) => ({
  maxSkew: skew,
  topologyKey: key,
  whenUnsatisfiable: soft ? "ScheduleAnyway" : "DoNotSchedule",
  labelSelector: { matchLabels },
  ...more,
});
const budget = (name, matchLabels, disruptionsAllowed) => ({
  metadata: { name },
  spec: { minAvailable: 1, selector: { matchLabels } },
  status: { disruptionsAllowed, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
});
const service = (name, selector) => ({ metadata: { name }, spec: { selector, ports: [{ port: 80 }] } });
const replicaSet = (name, matchLabels) => ({
  metadata: { name },
  spec: {
    replicas: 0,
    selector: { matchLabels },
    template: { metadata: { labels: matchLabels }, spec: { containers: [{ name: "c", image: "pause" }] } },
  },
});

const web = { app: "web" };
const db = { app: "db" };
const three = [node("a"), node("b"), node("c")];
const zones = [inZone("a1", "a"), inZone("a2", "a"), inZone("b1", "b"), inZone("c1", "c")];
const full = (name, cpu = "1") => node(name, { cpu });

/** `bound`: pods that are on nodes; `pods` are scheduled one after the other. `namespaces`: labels of those that pods name. */
export const SITUATIONS = [
  // Resources.
  { name: "too little cpu everywhere", nodes: [full("a"), full("b")], pods: [pod("p", { cpu: "2" })] },
  {
    name: "cpu here, memory there",
    nodes: [node("a", { cpu: "1" }), node("b", { memory: "1Gi" }), node("c", { cpu: "1", memory: "1Gi" })],
    pods: [pod("p", { cpu: "2", memory: "2Gi" })],
  },
  {
    name: "what others ask for is taken",
    nodes: [full("a", "2")],
    bound: [pod("q", { cpu: "1500m", on: "a" })],
    pods: [pod("p", { cpu: "1" })],
  },
  {
    name: "no room for one more pod",
    nodes: [node("a", { pods: "1" })],
    bound: [pod("q", { on: "a" })],
    pods: [pod("p")],
  },
  {
    name: "an extended resource that no node has",
    nodes: three,
    pods: [pod("p", { requests: { "example.com/gpu": "1" } })],
  },
  {
    name: "an extended resource that one has too little of",
    nodes: [node("a", { capacity: { "example.com/gpu": "1" } }), node("b")],
    pods: [pod("p", { requests: { "example.com/gpu": "2" } })],
  },
  {
    name: "ephemeral storage",
    nodes: [
      node("a", { capacity: { "ephemeral-storage": "1Gi" } }),
      node("b", { capacity: { "ephemeral-storage": "4Gi" } }),
    ],
    pods: [pod("p", { requests: { "ephemeral-storage": "2Gi" } })],
  },
  {
    name: "an init container asks for more than the others together",
    nodes: [full("a", "2")],
    pods: [
      pod("p", {
        containers: [{ name: "c", image: "pause", resources: { requests: { cpu: "100m" } } }],
        initContainers: [{ name: "i", image: "pause", resources: { requests: { cpu: "3" } } }],
      }),
    ],
  },
  {
    name: "the emptiest node",
    nodes: three,
    bound: [pod("q", { cpu: "2", memory: "2Gi", on: "a" }), pod("r", { cpu: "1", memory: "1Gi", on: "b" })],
    pods: [pod("p", { cpu: "500m", memory: "512Mi" })],
  },
  {
    name: "pods that ask for nothing count all the same",
    nodes: three,
    bound: [pod("q", { on: "a" }), pod("r", { on: "a" }), pod("s", { on: "b" })],
    pods: [pod("p")],
  },
  {
    name: "balanced use",
    nodes: [node("a", { cpu: "4", memory: "16Gi" }), node("b", { cpu: "8", memory: "8Gi" })],
    bound: [pod("q", { cpu: "2", memory: "1Gi", on: "a" }), pod("r", { cpu: "1", memory: "4Gi", on: "b" })],
    pods: [pod("p", { cpu: "1", memory: "1Gi" })],
  },
  {
    name: "the fullest node, by a profile",
    nodes: three,
    bound: [pod("q", { cpu: "2", memory: "2Gi", on: "a" }), pod("r", { cpu: "1", memory: "1Gi", on: "b" })],
    pods: [pod("p", { cpu: "500m", memory: "512Mi", schedulerName: "most" })],
  },
  {
    name: "a shape of utilization, with an extended resource",
    nodes: ["a", "b", "c"].map((name, i) =>
      node(name, { cpu: `${4 + i}`, capacity: { "example.com/gpu": `${4 + 2 * i}`, "ephemeral-storage": "10Gi" } }),
    ),
    bound: [pod("q", { cpu: "1", requests: { "example.com/gpu": "2" }, on: "a" })],
    pods: [
      pod("p", { cpu: "1", requests: { "example.com/gpu": "2", "ephemeral-storage": "1Gi" }, schedulerName: "ratio" }),
      pod("r", { cpu: "1", memory: "3Gi", schedulerName: "ratio" }),
    ],
  },
  {
    name: "a group of resources that the profile ignores",
    nodes: [node("a")],
    pods: [pod("p", { requests: { "ignored.example.com/x": "1" }, schedulerName: "ratio" })],
  },
  // Names, cordons, taints.
  {
    name: "cordoned nodes",
    nodes: [node("a", { unschedulable: true }), node("b", { unschedulable: true })],
    pods: [pod("p")],
  },
  {
    name: "a cordon is tolerated",
    nodes: [node("a", { unschedulable: true })],
    pods: [pod("p", { tolerations: [{ key: "node.kubernetes.io/unschedulable", operator: "Exists" }] })],
  },
  {
    name: "untolerated taints",
    nodes: [node("a", { taints: [taint("k")] }), node("b", { taints: [taint("l", "NoExecute", "v")] })],
    pods: [pod("p")],
  },
  {
    name: "one taint tolerated, one for another value",
    nodes: [
      node("a", { taints: [taint("k", "NoSchedule", "v")] }),
      node("b", { taints: [taint("k", "NoSchedule", "w")] }),
    ],
    pods: [pod("p", { tolerations: [{ key: "k", value: "v", effect: "NoSchedule" }] })],
  },
  {
    name: "taints, cordons and too little at once",
    nodes: [node("a", { taints: [taint("k")] }), node("b", { unschedulable: true }), full("c")],
    pods: [pod("p", { cpu: "2" })],
  },
  {
    name: "nodes that are better avoided",
    nodes: [
      node("a", { taints: [taint("k", "PreferNoSchedule"), taint("l", "PreferNoSchedule")] }),
      node("b", { taints: [taint("k", "PreferNoSchedule")] }),
    ],
    pods: [pod("p"), pod("q", { tolerations: [{ key: "l", operator: "Exists", effect: "PreferNoSchedule" }] })],
  },
  // Node affinity.
  { name: "a node selector that no node suits", nodes: three, pods: [pod("p", { nodeSelector: { disk: "ssd" } })] },
  {
    name: "a node selector, and too little there",
    nodes: [node("a", { labels: { disk: "ssd" }, cpu: "1" }), node("b")],
    pods: [pod("p", { cpu: "2", nodeSelector: { disk: "ssd" } })],
  },
  {
    name: "terms of which one suits",
    nodes: zones,
    pods: [pod("p", requireNodes({ matchExpressions: [inKey(ZONE, "x")] }, { matchExpressions: [inKey(ZONE, "c")] }))],
  },
  {
    name: "a number that is high enough",
    nodes: [node("a", { labels: { gen: "3" } }), node("b", { labels: { gen: "5" } })],
    pods: [pod("p", requireNodes({ matchExpressions: [{ key: "gen", operator: "Gt", values: ["4"] }] }))],
  },
  {
    name: "a node by its name, as for a DaemonSet's pod",
    nodes: three,
    pods: [pod("p", requireNodes({ matchFields: [inKey("metadata.name", "b")] }))],
  },
  {
    name: "a node by its name, which is too small",
    nodes: [full("a"), node("b"), node("c")],
    pods: [pod("p", { cpu: "2", ...requireNodes({ matchFields: [inKey("metadata.name", "a")] }) })],
  },
  {
    name: "a node by a name that there is not",
    nodes: three,
    pods: [pod("p", requireNodes({ matchFields: [inKey("metadata.name", "x")] }))],
  },
  {
    name: "two names that exclude each other",
    nodes: three,
    pods: [pod("p", requireNodes({ matchFields: [inKey("metadata.name", "a"), inKey("metadata.name", "b")] }))],
  },
  {
    name: "preferred nodes",
    nodes: zones,
    pods: [pod("p", preferNodes([80, inKey(ZONE, "b")], [20, inKey(HOST, "a2")], [30, inKey(ZONE, "a")]))],
  },
  {
    name: "affinity that the profile adds",
    nodes: [node("a", { labels: { pool: "a" } }), node("b", { labels: { pool: "b" } }), node("c")],
    pods: [
      pod("p", { schedulerName: "added" }),
      pod("q", { schedulerName: "added", nodeSelector: { pool: "a" } }),
      pod("r", { schedulerName: "added", nodeSelector: { [HOST]: "c" } }),
    ],
  },
  // Ports, images.
  {
    name: "a host port is taken",
    nodes: [node("a")],
    bound: [
      pod("q", {
        on: "a",
        containers: [{ name: "c", image: "pause", ports: [{ containerPort: 80, hostPort: 8080 }] }],
      }),
    ],
    pods: [pod("p", { containers: [{ name: "c", image: "pause", ports: [{ containerPort: 81, hostPort: 8080 }] }] })],
  },
  {
    name: "the same port on other addresses, and of another protocol",
    nodes: [node("a")],
    bound: [
      pod("q", {
        on: "a",
        containers: [
          { name: "c", image: "pause", ports: [{ containerPort: 80, hostPort: 8080, hostIP: "127.0.0.1" }] },
        ],
      }),
    ],
    pods: [
      pod("p", {
        containers: [
          { name: "c", image: "pause", ports: [{ containerPort: 80, hostPort: 8080, hostIP: "127.0.0.2" }] },
        ],
      }),
      pod("r", {
        containers: [{ name: "c", image: "pause", ports: [{ containerPort: 80, hostPort: 8080, protocol: "UDP" }] }],
      }),
      pod("s", { containers: [{ name: "c", image: "pause", ports: [{ containerPort: 80, hostPort: 8080 }] }] }),
    ],
  },
  {
    name: "the node that has the image",
    nodes: [
      node("a"),
      node("b", { images: [{ names: ["example.com/big:1", "example.com/big@sha256:aa"], sizeBytes: 900_000_000 }] }),
      node("c", {
        images: [
          { names: ["example.com/big:1"], sizeBytes: 900_000_000 },
          { names: ["example.com/small:latest"], sizeBytes: 90_000_000 },
        ],
      }),
    ],
    pods: [
      pod("p", {
        containers: [
          { name: "c", image: "example.com/big:1" },
          { name: "d", image: "example.com/small" },
        ],
      }),
      pod("q", { containers: [{ name: "c", image: "example.com/big:1" }] }),
    ],
  },
  // Affinity between pods.
  {
    name: "beside another pod",
    nodes: three,
    bound: [pod("q", { labels: db, on: "b" })],
    pods: [pod("p", { affinity: beside(term(db)) })],
  },
  { name: "beside a pod that there is not", nodes: three, pods: [pod("p", { affinity: beside(term(db)) })] },
  {
    name: "beside its own kind, the first of which goes anywhere",
    nodes: zones,
    pods: [1, 2, 3].map((i) => pod(`p${i}`, { labels: web, affinity: beside(term(web, ZONE)) })),
  },
  {
    name: "beside its own kind, where no node has the label",
    nodes: three,
    pods: [pod("p", { labels: web, affinity: beside(term(web, ZONE)) })],
  },
  {
    name: "beside two kinds at once, which are on different nodes",
    nodes: three,
    bound: [pod("q", { labels: db, on: "a" }), pod("r", { labels: web, on: "b" })],
    pods: [pod("p", { affinity: beside(term(db), term(web)) })],
  },
  {
    name: "in the zone of one and on the node of another",
    nodes: zones,
    bound: [pod("q", { labels: { app: "db", tier: "x" }, on: "a1" })],
    pods: [pod("p", { affinity: beside(term(db, ZONE), term({ tier: "x" })) })],
  },
  {
    name: "apart from its own kind, until no node is left",
    nodes: three,
    pods: [1, 2, 3, 4].map((i) => pod(`p${i}`, { labels: web, affinity: apart(term(web)) })),
  },
  {
    name: "apart by zone",
    nodes: zones,
    bound: [pod("q", { labels: db, on: "a1" }), pod("r", { labels: db, on: "b1" })],
    pods: [pod("p", { affinity: apart(term(db, ZONE)) })],
  },
  {
    name: "others want to be apart from it",
    nodes: [node("a"), node("b")],
    bound: [
      pod("q", { labels: db, on: "a", affinity: apart(term(web)) }),
      pod("r", { labels: db, on: "b", affinity: apart(term(web)) }),
    ],
    pods: [pod("p", { labels: web })],
  },
  {
    name: "others want to be apart from it in their zone",
    nodes: zones,
    bound: [
      pod("q", { on: "a1", affinity: apart(term(web, ZONE)) }),
      pod("r", { on: "b1", affinity: apart(term(web, HOST)) }),
    ],
    pods: [pod("p", { labels: web })],
  },
  {
    name: "in a namespace that is named",
    nodes: three,
    namespaces: { other: { team: "x" } },
    bound: [{ ...pod("q", { labels: db, on: "c" }), namespace: "other" }],
    pods: [
      pod("p", { affinity: beside(term(db, HOST, { namespaces: ["NS-other"] })) }),
      pod("r", { affinity: beside(term(db)) }),
    ],
  },
  {
    name: "in namespaces by their labels",
    nodes: three,
    namespaces: { other: { team: "x" }, third: { team: "y" } },
    bound: [
      { ...pod("q", { labels: db, on: "c" }), namespace: "other" },
      { ...pod("r", { labels: db, on: "a" }), namespace: "third" },
    ],
    pods: [
      pod("p", { affinity: beside(term(db, HOST, { namespaceSelector: { matchLabels: { team: "x" } } })) }),
      pod("s", { affinity: apart(term(db, HOST, { namespaceSelector: {} })) }),
    ],
  },
  {
    name: "apart from those of the same revision only",
    nodes: [node("a"), node("b")],
    bound: [
      pod("q", { labels: { app: "web", rev: "1" }, on: "a" }),
      pod("r", { labels: { app: "web", rev: "2" }, on: "b" }),
    ],
    pods: [
      pod("p", { labels: { app: "web", rev: "2" }, affinity: apart(term(web, HOST, { matchLabelKeys: ["rev"] })) }),
      pod("s", { labels: { app: "web", rev: "2" }, affinity: apart(term(web, HOST, { mismatchLabelKeys: ["rev"] })) }),
    ],
  },
  {
    name: "preferably beside and apart",
    nodes: zones,
    bound: [
      pod("q", { labels: db, on: "a1" }),
      pod("r", { labels: web, on: "b1" }),
      pod("s", { labels: web, on: "b1" }),
    ],
    pods: [
      pod("p", {
        affinity: { ...likesBeside([50, term(db, ZONE)], [20, term(web)]), ...likesApart([30, term(web, ZONE)]) },
      }),
    ],
  },
  {
    name: "others would like it to be near, or far",
    nodes: zones,
    bound: [
      pod("q", { on: "a1", affinity: likesBeside([60, term(web, ZONE)]) }),
      pod("r", { on: "b1", affinity: likesApart([40, term(web)]) }),
      pod("s", { labels: web, on: "c1", affinity: beside(term(web)) }),
    ],
    pods: [pod("p", { labels: web }), pod("t", { labels: web, schedulerName: "listed" })],
  },
  {
    name: "what others must have weighs what the profile says",
    nodes: zones,
    bound: [pod("s", { labels: web, on: "c1", affinity: beside(term(web, ZONE)) }), pod("u", { labels: db, on: "a1" })],
    pods: [pod("t", { labels: web, schedulerName: "listed", affinity: likesBeside([3, term(db, ZONE)]) })],
  },
  // Topology spread.
  {
    name: "spread over zones",
    nodes: zones,
    pods: [1, 2, 3, 4].map((i) => pod(`p${i}`, { labels: web, topologySpreadConstraints: [spread(web)] })),
  },
  {
    name: "spread over zones of which one is full",
    nodes: [inZone("a1", "a"), inZone("b1", "b", { cpu: "1" })],
    bound: [pod("q", { labels: web, cpu: "1", on: "a1" })],
    pods: [
      pod("p", { labels: web, cpu: "1", topologySpreadConstraints: [spread(web)] }),
      pod("r", { labels: web, cpu: "1", topologySpreadConstraints: [spread(web)] }),
    ],
  },
  {
    name: "nodes without the label to spread by",
    nodes: [inZone("a1", "a"), node("b")],
    bound: [pod("q", { labels: web, on: "a1" })],
    pods: [
      pod("p", { labels: web, topologySpreadConstraints: [spread(web)] }),
      pod("r", { cpu: "5", labels: web, topologySpreadConstraints: [spread(web)] }),
    ],
  },
  {
    name: "fewer domains than there must be",
    nodes: [inZone("a1", "a"), inZone("b1", "b")],
    pods: [1, 2, 3].map((i) =>
      pod(`p${i}`, { labels: web, topologySpreadConstraints: [spread(web, { minDomains: 3 })] }),
    ),
  },
  {
    name: "a domain that the node selector leaves out",
    nodes: [inZone("a1", "a", { labels: { disk: "ssd" } }), inZone("b1", "b")],
    pods: [1, 2].map((i) =>
      pod(`p${i}`, { labels: web, nodeSelector: { disk: "ssd" }, topologySpreadConstraints: [spread(web)] }),
    ),
  },
  {
    name: "a domain that the node selector leaves out counts all the same",
    nodes: [inZone("a1", "a", { labels: { disk: "ssd" } }), inZone("b1", "b")],
    pods: [1, 2].map((i) =>
      pod(`p${i}`, {
        labels: web,
        nodeSelector: { disk: "ssd" },
        topologySpreadConstraints: [spread(web, { nodeAffinityPolicy: "Ignore" })],
      }),
    ),
  },
  {
    name: "a domain that a taint leaves out",
    nodes: [inZone("a1", "a"), inZone("b1", "b", { taints: [taint("k")] })],
    pods: [
      ...[1, 2].map((i) =>
        pod(`p${i}`, { labels: web, topologySpreadConstraints: [spread(web, { nodeTaintsPolicy: "Honor" })] }),
      ),
      pod("p3", { labels: web, topologySpreadConstraints: [spread(web)] }),
    ],
  },
  {
    name: "spread by zone and by node",
    nodes: zones,
    bound: [pod("q", { labels: web, on: "a1" }), pod("r", { labels: web, on: "b1" })],
    pods: [1, 2, 3].map((i) =>
      pod(`p${i}`, { labels: web, topologySpreadConstraints: [spread(web), spread(web, { key: HOST })] }),
    ),
  },
  {
    name: "spread by revision",
    nodes: [inZone("a1", "a"), inZone("b1", "b")],
    bound: [
      pod("q", { labels: { app: "web", rev: "1" }, on: "a1" }),
      pod("r", { labels: { app: "web", rev: "1" }, on: "a1" }),
    ],
    pods: ["1", "2"].map((rev) =>
      pod(`p${rev}`, {
        labels: { app: "web", rev },
        topologySpreadConstraints: [spread(web, { matchLabelKeys: ["rev"] })],
      }),
    ),
  },
  {
    name: "preferably spread, by zone and node",
    nodes: zones,
    bound: [
      pod("q", { labels: web, on: "a1" }),
      pod("r", { labels: web, on: "a2" }),
      pod("s", { labels: web, on: "b1" }),
      pod("t", { labels: web, on: "b1" }),
    ],
    pods: [
      pod("p", {
        labels: web,
        topologySpreadConstraints: [spread(web, { soft: true }), spread(web, { key: HOST, soft: true, skew: 2 })],
      }),
    ],
  },
  {
    name: "preferably spread, where a node has no zone",
    nodes: [...zones, node("d")],
    bound: [pod("q", { labels: web, on: "a1" }), pod("r", { labels: web, on: "d" })],
    pods: [pod("p", { labels: web, topologySpreadConstraints: [spread(web, { soft: true })] })],
  },
  {
    name: "pods of a Service are spread by default",
    nodes: [...zones, node("d")],
    services: [service("web", web)],
    bound: [
      pod("q", { labels: web, on: "a1" }),
      pod("r", { labels: web, on: "a1" }),
      pod("s", { labels: web, on: "b1" }),
    ],
    pods: [pod("p", { labels: web }), pod("t", { labels: db })],
  },
  {
    name: "pods of a ReplicaSet are spread by default",
    nodes: zones,
    replicaSets: [replicaSet("web", web)],
    bound: [pod("q", { labels: web, on: "a1" }), pod("r", { labels: web, on: "c1" })],
    pods: [pod("p", { labels: web, owner: "web" })],
  },
  {
    name: "the profile's own default constraints",
    nodes: [inZone("a1", "a"), inZone("b1", "b"), node("c")],
    services: [service("web", web)],
    bound: [pod("q", { labels: web, on: "a1" })],
    pods: [
      pod("p", { labels: web, schedulerName: "listed" }),
      pod("r", { labels: web, schedulerName: "listed", nodeSelector: { [HOST]: "c" } }),
      pod("s", { labels: web, schedulerName: "listed", ...preferNodes([5, inKey(ZONE, "a")]) }),
    ],
  },
  // Preemption.
  {
    name: "a less urgent pod gives way",
    nodes: [full("a", "2"), full("b", "2")],
    bound: [
      pod("q", { cpu: "1500m", priority: "low", on: "a" }),
      pod("r", { cpu: "1500m", priority: "high", on: "b" }),
    ],
    pods: [pod("p", { cpu: "1", priority: "middle" })],
  },
  {
    name: "nobody gives way to an equal",
    nodes: [full("a", "2")],
    bound: [pod("q", { cpu: "1500m", priority: "middle", on: "a" })],
    pods: [pod("p", { cpu: "1", priority: "middle" })],
  },
  {
    name: "a pod that preempts nobody",
    nodes: [full("a", "2")],
    bound: [pod("q", { cpu: "1500m", priority: "low", on: "a" })],
    pods: [pod("p", { cpu: "1", priority: "never", preemptionPolicy: "Never" })],
  },
  {
    name: "evicting all would not be enough",
    nodes: [full("a", "2"), node("b", { cpu: "2", taints: [taint("k")] })],
    bound: [pod("q", { cpu: "1", priority: "low", on: "a" }), pod("r", { cpu: "1", priority: "high", on: "a" })],
    pods: [pod("p", { cpu: "1500m", priority: "middle" })],
  },
  {
    name: "only as many as must give way",
    nodes: [full("a", "4")],
    bound: [1, 2, 3, 4].map((i) => pod(`q${i}`, { cpu: "1", priority: i < 3 ? "low" : "middle", on: "a" })),
    pods: [pod("p", { cpu: "1", priority: "high" })],
  },
  {
    name: "where the least urgent give way",
    nodes: [full("a", "2"), full("b", "2"), full("c", "2")],
    bound: [
      pod("q", { cpu: "2", priority: "middle", on: "a" }),
      pod("r", { cpu: "1", priority: "low", on: "b" }),
      pod("s", { cpu: "1", priority: "low", on: "b" }),
      pod("t", { cpu: "2", priority: "low", on: "c" }),
    ],
    pods: [pod("p", { cpu: "2", priority: "high" })],
  },
  {
    name: "a budget spares pods, where others can give way",
    nodes: [full("a", "2"), full("b", "2")],
    budgets: [budget("web", web, 0)],
    bound: [
      pod("q", { cpu: "2", labels: web, priority: "low", on: "a" }),
      pod("r", { cpu: "2", labels: db, priority: "middle", on: "b" }),
    ],
    pods: [pod("p", { cpu: "2", priority: "high" })],
  },
  {
    name: "a budget does not spare where nobody else can give way",
    nodes: [full("a", "2")],
    budgets: [budget("web", web, 0)],
    bound: [pod("q", { cpu: "2", labels: web, priority: "low", on: "a" })],
    pods: [pod("p", { cpu: "2", priority: "high" })],
  },
  {
    name: "on one node those of a budget are spared first",
    nodes: [full("a", "2")],
    budgets: [budget("web", web, 0)],
    bound: [
      pod("q", { cpu: "1", labels: web, priority: "low", on: "a" }),
      pod("r", { cpu: "1", labels: db, priority: "middle", on: "a" }),
    ],
    pods: [pod("p", { cpu: "1", priority: "high" })],
  },
  {
    name: "a pod in the way by anti-affinity gives way",
    nodes: [node("a"), node("b")],
    bound: [pod("q", { labels: web, priority: "low", on: "a" }), pod("r", { labels: web, priority: "high", on: "b" })],
    pods: [pod("p", { priority: "middle", affinity: apart(term(web)) })],
  },
  {
    name: "pods in the way of a spread give way",
    nodes: [inZone("a1", "a", { cpu: "2" }), inZone("b1", "b", { cpu: "1" })],
    bound: [
      pod("q", { labels: web, cpu: "1", priority: "low", on: "a1" }),
      pod("r", { cpu: "1", priority: "high", on: "b1" }),
    ],
    pods: [pod("p", { labels: web, cpu: "1", priority: "middle", topologySpreadConstraints: [spread(web)] })],
  },
  {
    name: "room that is being made for one is not for another",
    nodes: [full("a", "2")],
    bound: [pod("q", { cpu: "2", priority: "low", on: "a" })],
    pods: [pod("p", { cpu: "2", priority: "high" }), pod("r", { cpu: "1", priority: "middle" })],
  },
  {
    name: "one that is more urgent takes the room that is being made",
    nodes: [full("a", "2")],
    bound: [pod("q", { cpu: "2", priority: "low", on: "a" })],
    pods: [pod("p", { cpu: "2", priority: "middle" }), pod("r", { cpu: "2", priority: "high" })],
  },
  {
    name: "a host port is given up",
    nodes: [node("a")],
    bound: [
      pod("q", {
        priority: "low",
        on: "a",
        containers: [{ name: "c", image: "pause", ports: [{ containerPort: 80, hostPort: 8080 }] }],
      }),
    ],
    pods: [
      pod("p", {
        priority: "high",
        containers: [{ name: "c", image: "pause", ports: [{ containerPort: 80, hostPort: 8080 }] }],
      }),
    ],
  },
  // What no node can help.
  { name: "no nodes", nodes: [], pods: [pod("p")] },
  { name: "a gate", nodes: three, pods: [pod("p", { schedulingGates: [{ name: "example.com/wait" }] })] },
  {
    name: "a claim that is not there",
    nodes: three,
    pods: [pod("p", { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "nope" } }] })],
  },
];
