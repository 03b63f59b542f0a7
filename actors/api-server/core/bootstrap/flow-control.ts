/** Priority levels and flow schemas of a fresh control plane, as kube-apiserver 1.37.1 makes them. */
import type {
  FlowSchemaSpec,
  PolicyRulesWithSubjects,
  PriorityLevelConfigurationSpec,
  Subject,
} from "../../../../protocols/kubernetes/types/flowcontrol-v1.ts";

/** A level whose requests wait in queues, at most 50 in one. */
function queued(
  shares: number,
  lendablePercent: number,
  queues: number,
  handSize: number,
): PriorityLevelConfigurationSpec {
  const queuing = { queues, handSize, queueLengthLimit: 50 };
  const limitResponse = { type: "Queue", queuing } as const;
  return { type: "Limited", limited: { nominalConcurrencyShares: shares, limitResponse, lendablePercent } };
}

export const PRIORITY_LEVELS: Readonly<Record<string, PriorityLevelConfigurationSpec>> = {
  "catch-all": {
    type: "Limited",
    limited: { nominalConcurrencyShares: 5, limitResponse: { type: "Reject" }, lendablePercent: 0 },
  },
  exempt: { type: "Exempt", exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  "global-default": queued(20, 50, 128, 6),
  "leader-election": queued(10, 0, 16, 4),
  "node-high": queued(40, 25, 64, 6),
  system: queued(30, 33, 64, 6),
  "workload-high": queued(40, 50, 128, 6),
  "workload-low": queued(100, 90, 128, 6),
};

const group = (name: string): Subject => ({ kind: "Group", group: { name } });
const user = (name: string): Subject => ({ kind: "User", user: { name } });
const ofKubeSystem: Subject = { kind: "ServiceAccount", serviceAccount: { namespace: "kube-system", name: "*" } };
const everybody = [group("system:unauthenticated"), group("system:authenticated")];

const LEASES = { apiGroups: ["coordination.k8s.io"], resources: ["leases"], namespaces: ["*"] };

/** Whatever they do. */
function all(...subjects: readonly Subject[]): readonly PolicyRulesWithSubjects[] {
  return [
    {
      subjects,
      resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"], clusterScope: true, namespaces: ["*"] }],
      nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
    },
  ];
}

function flow(
  level: string,
  matchingPrecedence: number,
  rules: readonly PolicyRulesWithSubjects[],
  by?: "ByUser" | "ByNamespace",
): FlowSchemaSpec {
  return {
    priorityLevelConfiguration: { name: level },
    matchingPrecedence,
    ...(by === undefined ? {} : { distinguisherMethod: { type: by } }),
    rules,
  };
}

export const FLOW_SCHEMAS: Readonly<Record<string, FlowSchemaSpec>> = {
  "catch-all": flow("catch-all", 10_000, all(...everybody), "ByUser"),
  exempt: flow("exempt", 1, all(group("system:masters"))),
  "global-default": flow("global-default", 9_900, all(...everybody), "ByUser"),
  "kube-controller-manager": flow("workload-high", 800, all(user("system:kube-controller-manager")), "ByNamespace"),
  "kube-scheduler": flow("workload-high", 800, all(user("system:kube-scheduler")), "ByNamespace"),
  "kube-system-service-accounts": flow("workload-high", 900, all(ofKubeSystem), "ByNamespace"),
  probes: flow("exempt", 2, [
    {
      subjects: everybody,
      nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/healthz", "/readyz", "/livez"] }],
    },
  ]),
  "service-accounts": flow("workload-low", 9_000, all(group("system:serviceaccounts")), "ByUser"),
  "system-leader-election": flow(
    "leader-election",
    100,
    [
      {
        subjects: [user("system:kube-controller-manager"), user("system:kube-scheduler"), ofKubeSystem],
        resourceRules: [{ verbs: ["get", "create", "update"], ...LEASES }],
      },
    ],
    "ByUser",
  ),
  "system-node-high": flow(
    "node-high",
    400,
    [
      {
        subjects: [group("system:nodes")],
        resourceRules: [
          {
            verbs: ["*"],
            apiGroups: [""],
            resources: ["nodes", "nodes/status"],
            clusterScope: true,
            namespaces: ["*"],
          },
          { verbs: ["*"], ...LEASES },
        ],
      },
    ],
    "ByUser",
  ),
  "system-nodes": flow("system", 500, all(group("system:nodes")), "ByUser"),
};
