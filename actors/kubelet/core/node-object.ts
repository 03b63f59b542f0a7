/** The Node that a kubelet registers and keeps up to date. */
import type { Node, NodeCondition, NodeStatus } from "../../../protocols/kubernetes/types/core-v1.ts";

/** The version of the Kubernetes API that we follow, as kubelets give theirs. */
const KUBELET_VERSION = "v1.37.0-inkube";

/** Facts of the machine, as `uname` and the like give them. */
export interface MachineFacts {
  readonly operatingSystem: string;
  readonly architecture: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  readonly machineID: string;
  readonly bootID: string;
  readonly capacity: Readonly<Record<string, string>>;
}

export interface NodeFacts {
  readonly name: string;
  readonly ip: string;
  /** Empty: it says nothing of it. */
  readonly podCIDR: string;
  readonly isEmbedded: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly {
    readonly key: string;
    readonly value?: string;
    readonly effect: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
  }[];
  readonly machine: MachineFacts;
  readonly capacity: Readonly<Record<string, string>>;
  readonly logPort: number;
  /** Undefined while the runtime answers; else since when it doesn't. */
  readonly runtimeDown: string | undefined;
  /** A fault of the plan: this kubelet does not measure it. */
  readonly isMemoryShort: boolean;
}

export function nodeObject(facts: NodeFacts, nowMs: number): Node {
  const { machine, name } = facts;
  const labels = {
    "beta.kubernetes.io/arch": machine.architecture,
    "beta.kubernetes.io/os": machine.operatingSystem,
    "kubernetes.io/arch": machine.architecture,
    "kubernetes.io/hostname": name,
    "kubernetes.io/os": machine.operatingSystem,
    ...facts.labels,
  };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels },
    spec: {
      ...(facts.podCIDR === "" ? {} : { podCIDR: facts.podCIDR, podCIDRs: [facts.podCIDR] }),
      ...(facts.isEmbedded ? { providerID: `inkube://${name}` } : {}),
      ...(facts.taints.length === 0 ? {} : { taints: facts.taints }),
    },
    status: nodeStatus(facts, undefined, nowMs),
  };
}

/** `before`: the status that the API server has, for the times of its conditions. */
export function nodeStatus(facts: NodeFacts, before: NodeStatus | undefined, nowMs: number): NodeStatus {
  const { machine } = facts;
  return {
    capacity: facts.capacity,
    allocatable: facts.capacity,
    conditions: conditions(facts, before, nowMs),
    addresses: [
      { type: "InternalIP", address: facts.ip },
      // An API server elsewhere would look the name up before it takes the address.
      ...(facts.isEmbedded ? [{ type: "Hostname", address: facts.name }] : []),
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: facts.logPort } },
    nodeInfo: {
      machineID: machine.machineID,
      systemUUID: machine.machineID,
      bootID: machine.bootID,
      kernelVersion: machine.kernelVersion,
      osImage: machine.osImage,
      containerRuntimeVersion: "inkube://0.1.0",
      kubeletVersion: KUBELET_VERSION,
      kubeProxyVersion: KUBELET_VERSION,
      operatingSystem: machine.operatingSystem,
      architecture: machine.architecture,
    },
  };
}

function conditions(facts: NodeFacts, before: NodeStatus | undefined, nowMs: number): readonly NodeCondition[] {
  const now = new Date(nowMs).toISOString().slice(0, 19) + "Z";
  const condition = (type: string, status: "True" | "False", reason: string, message: string): NodeCondition => {
    const old = before?.conditions?.find((one) => one.type === type);
    const lastTransitionTime = old?.status === status ? (old.lastTransitionTime ?? now) : now;
    return { type, status, lastHeartbeatTime: now, lastTransitionTime, reason, message };
  };
  const ready =
    facts.runtimeDown === undefined
      ? condition("Ready", "True", "KubeletReady", "kubelet is posting ready status")
      : condition("Ready", "False", "KubeletNotReady", `container runtime is down since ${facts.runtimeDown}`);
  return [
    facts.isMemoryShort
      ? condition("MemoryPressure", "True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available")
      : condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ready,
  ];
}

/** What the simulation runs on. */
export const SIMULATED_MACHINE: MachineFacts = {
  operatingSystem: "linux",
  architecture: "amd64",
  kernelVersion: "simulated",
  osImage: "inkube simulation",
  machineID: "00000000000000000000000000000000",
  bootID: "00000000-0000-0000-0000-000000000000",
  capacity: { cpu: "8", memory: "16Gi", pods: "110", "ephemeral-storage": "100Gi" },
};
