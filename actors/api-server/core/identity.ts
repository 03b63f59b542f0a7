/** Who an actor is to the API: its name, which the link vouches for, says it. */

export interface UserInfo {
  readonly user: string;
  readonly groups: readonly string[];
}

const AUTHENTICATED = "system:authenticated";

/** Source: the identities that kubeadm gives the components. */
export function userOfActor(actor: string): UserInfo {
  const node = /^(.+)\/(kubelet|kube-proxy|container-runtime)$/.exec(actor);
  if (node?.[2] === "kubelet") return { user: `system:node:${node[1]}`, groups: ["system:nodes", AUTHENTICATED] };
  if (node !== null) return { user: `system:${node[2]}`, groups: ["system:node-proxier", AUTHENTICATED] };
  if (/^scheduler-\d+$/.test(actor)) return { user: "system:kube-scheduler", groups: [AUTHENTICATED] };
  if (/^controller-manager-\d+$/.test(actor)) {
    return { user: "system:kube-controller-manager", groups: [AUTHENTICATED] };
  }
  if (/^api-server-\d+$/.test(actor)) return { user: "system:apiserver", groups: ["system:masters", AUTHENTICATED] };
  if (actor === "cluster") return { user: "kubernetes-admin", groups: ["system:masters", AUTHENTICATED] };
  return { user: `inkube:${actor}`, groups: [AUTHENTICATED] };
}
