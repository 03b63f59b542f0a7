/**
 * Which requests for certificates Kubernetes' own signers approve and sign.
 * Source: "Certificates and Certificate Signing Requests", `pkg/controller/certificates/{approver,signer}`, `pkg/apis/certificates/helpers.go`.
 */
import type { CertificateSigningRequest } from "../../../../protocols/kubernetes/types/certificates-v1.ts";
import type { CertificateRequest } from "./request.ts";
import { readCertificateRequest } from "./request.ts";

const CLIENT = "kubernetes.io/kube-apiserver-client";
const KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet";
const KUBELET_SERVING = "kubernetes.io/kubelet-serving";
const NODE_PREFIX = "system:node:";
const NODE_GROUP = "system:nodes";
const SIGNING = ["digital signature", "key encipherment"];

/** As kube-controller-manager's `--cluster-signing-duration`. */
const DURATION_SECONDS = 365 * 24 * 3_600;
/** A client whose clock is behind must not refuse a certificate made just now. */
const BACKDATE_MS = 300_000;

/** What is to be signed. Times in ms since the Unix epoch. */
export interface SigningOrder {
  readonly request: CertificateRequest;
  readonly usages: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/**
 * Who may have such a request approved without a person: whoever may create this subresource. Undefined: that is a person's to decide.
 */
export function approvalFor({ spec, status }: CertificateSigningRequest): "nodeclient" | "selfnodeclient" | undefined {
  const isOpen = (status?.conditions ?? []).length === 0 && !status?.certificate;
  if (!isOpen || spec.signerName !== KUBELET_CLIENT) return undefined;
  const request = readCertificateRequest(spec.request);
  if (request === undefined || problemOfNodeClient(request, spec.usages ?? []) !== undefined) return undefined;
  return request.commonName === spec.username ? "selfnodeclient" : "nodeclient";
}

/** Undefined: there is nothing to sign. A text: why it can't be. */
export function signingOrder(
  { spec, status }: CertificateSigningRequest,
  nowMs: number,
): SigningOrder | string | undefined {
  const has = (type: string): boolean => (status?.conditions ?? []).some((each) => each.type === type);
  if (!has("Approved") || has("Denied") || has("Failed") || status?.certificate) return undefined;
  if (![CLIENT, KUBELET_CLIENT, KUBELET_SERVING].includes(spec.signerName)) return undefined;
  const request = readCertificateRequest(spec.request);
  if (request === undefined) return "the request can't be read";
  const usages = spec.usages ?? [];
  const problem = problemFor(spec.signerName, request, usages);
  if (problem !== undefined) return problem;
  const durationMs = (spec.expirationSeconds ?? DURATION_SECONDS) * 1_000;
  return { request, usages, notBeforeMs: nowMs - BACKDATE_MS, notAfterMs: nowMs + durationMs };
}

function problemFor(signerName: string, request: CertificateRequest, usages: readonly string[]): string | undefined {
  if (signerName === KUBELET_CLIENT) return problemOfNodeClient(request, usages);
  if (signerName === KUBELET_SERVING) return problemOfServing(request, usages);
  return usageProblem(usages, "client auth");
}

function problemOfNodeClient(request: CertificateRequest, usages: readonly string[]): string | undefined {
  const problem = problemOfNode(request) ?? usageProblem(usages, "client auth");
  if (problem !== undefined) return problem;
  if (request.dnsNames > 0) return "DNS subjectAltNames are not allowed";
  return request.ipAddresses > 0 ? "IP subjectAltNames are not allowed" : undefined;
}

function problemOfServing(request: CertificateRequest, usages: readonly string[]): string | undefined {
  const problem = problemOfNode(request) ?? usageProblem(usages, "server auth");
  if (problem !== undefined) return problem;
  return request.dnsNames + request.ipAddresses === 0 ? "DNS or IP subjectAltName is required" : undefined;
}

function problemOfNode({ commonName, organizations, emails, uris }: CertificateRequest): string | undefined {
  if (organizations.length !== 1 || organizations[0] !== NODE_GROUP) return "subject organization is not system:nodes";
  if (!commonName.startsWith(NODE_PREFIX)) return "subject common name does not begin with system:node:";
  if (emails > 0) return "email subjectAltNames are not allowed";
  return uris > 0 ? "URI subjectAltNames are not allowed" : undefined;
}

function usageProblem(usages: readonly string[], needed: string): string | undefined {
  if (!usages.includes(needed)) return `usages did not include ${needed}`;
  const other = usages.find((usage) => usage !== needed && !SIGNING.includes(usage));
  return other === undefined ? undefined : `usages include ${other}`;
}
