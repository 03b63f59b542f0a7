/** A ReplicationController is a ReplicaSet with a plain selector. @see k8s.io/kubernetes/pkg/controller/replication (conversion.go) */
import type { ReplicaSet, ReplicaSetStatus } from "../../../protocols/kubernetes/types/apps-v1.ts";
import type {
  ReplicationController,
  ReplicationControllerStatus,
} from "../../../protocols/kubernetes/types/core-v1.ts";

export function asReplicaSet({ metadata = {}, spec = {}, status }: ReplicationController): ReplicaSet {
  const { selector = {}, template, replicas, minReadySeconds } = spec;
  return {
    metadata,
    spec: {
      selector: { matchLabels: selector },
      ...(template === undefined ? {} : { template }),
      ...(replicas === undefined ? {} : { replicas }),
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
    },
    ...(status === undefined ? {} : { status: status as ReplicaSetStatus }),
  };
}

/** Pods that are ending are not counted. */
export function statusOfController({
  terminatingReplicas: _ending,
  ...status
}: ReplicaSetStatus): ReplicationControllerStatus {
  return status as ReplicationControllerStatus;
}
