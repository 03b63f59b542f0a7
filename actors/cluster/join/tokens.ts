/**
 * Bootstrap tokens, and what whoever shows one may do: ask for a node's first certificate. Nodes may renew theirs, and read what a
 * kube-proxy reads. Source: kubeadm's `kubeadm:kubelet-bootstrap`, `kubeadm:node-autoapprove-…`, `kubeadm:node-proxier`.
 */
import { randomInt } from "node:crypto";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { authorityHash } from "./cluster-info.ts";

/** Of those who show a token of ours. */
const GROUP = "system:bootstrappers:inkube:node";
const NODES = "system:nodes";
const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";
const ID_LENGTH = 6;
const SECRET_LENGTH = 16;
/** As `kubeadm token create`. */
export const TOKEN_TTL_SECONDS = 86_400;

/** `id.secret` */
export function newToken(): string {
  const text = (length: number): string => Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
  return `${text(ID_LENGTH)}.${text(SECRET_LENGTH)}`;
}

/** What has to be there for a token to work; all but the first may be there already. @param untilMs 0: for ever */
export function tokenObjects(token: string, untilMs: number): readonly KubernetesObject[] {
  const [id = "", secret = ""] = token.split(".");
  const stringData = {
    "token-id": id,
    "token-secret": secret,
    ...(untilMs === 0 ? {} : { expiration: `${new Date(untilMs).toISOString().slice(0, 19)}Z` }),
    "usage-bootstrap-authentication": "true",
    "auth-extra-groups": GROUP,
    description: "made by inkube, for nodes that join",
  };
  const metadata = { name: `bootstrap-token-${id}`, namespace: "kube-system" };
  const kept = { apiVersion: "v1", kind: "Secret", metadata, type: "bootstrap.kubernetes.io/token", stringData };
  const csr = "system:certificates.k8s.io:certificatesigningrequests";
  return [
    kept as KubernetesObject,
    binding("inkube:kubelet-bootstrap", "system:node-bootstrapper", GROUP),
    binding("inkube:node-autoapprove-bootstrap", `${csr}:nodeclient`, GROUP),
    binding("inkube:node-autoapprove-certificate-rotation", `${csr}:selfnodeclient`, NODES),
    binding("inkube:node-proxier", "system:node-proxier", NODES),
  ];
}

function binding(name: string, role: string, group: string): KubernetesObject {
  const made = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: group }],
  };
  return made;
}

/** What is to be said on the machine that joins. */
export function joinCommandOf(server: string, token: string, authority: string): string {
  return `inkube join ${server} --token ${token} --discovery-token-ca-cert-hash ${authorityHash(authority)}`;
}
