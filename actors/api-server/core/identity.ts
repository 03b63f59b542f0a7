/** Who somebody is to the API: an actor by its name, which the link vouches for, a client by its certificate or its token. */

export interface UserInfo {
  readonly user: string;
  readonly groups: readonly string[];
  readonly uid?: string | undefined;
  /** What else vouches for them: the pod that an account's token is bound to, for one. */
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** What becomes of a bearer token: a user, with those of the audiences asked for that it is for; or why not, if that can be told. */
export type Authentication =
  | { readonly user: UserInfo; readonly audiences: readonly string[] }
  | { readonly user?: undefined; readonly error?: string };

/** Whom a bearer token names. */
export interface TokenUser {
  readonly token: string;
  readonly user: string;
  readonly groups: readonly string[];
  readonly uid?: string;
}

export const AUTHENTICATED = "system:authenticated";
/** Whom nothing vouches for. */
export const ANONYMOUS = "system:anonymous";
export const NOBODY: UserInfo = { user: ANONYMOUS, groups: ["system:unauthenticated"] };

/** By token. */
export function usersOfTokens(tokens: readonly TokenUser[]): ReadonlyMap<string, UserInfo> {
  return new Map(
    tokens.map(({ token, groups, ...known }) => [token, { ...known, groups: [...groups, AUTHENTICATED] }]),
  );
}

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

/** What the fields that an actor writes are managed by: the component that it stands for. */
export function managerOfActor(actor: string): string {
  if (actor === "cluster") return "inkube";
  const [, node, own = ""] = /^(?:.+\/)?(kubelet|kube-proxy|container-runtime)$|^(.*?)(?:-\d+)?$/.exec(actor) ?? [];
  if (node !== undefined) return node;
  return COMPONENTS.get(own) ?? actor;
}

const COMPONENTS: ReadonlyMap<string, string> = new Map([
  ["scheduler", "kube-scheduler"],
  ["controller-manager", "kube-controller-manager"],
  ["api-server", "kube-apiserver"],
]);
