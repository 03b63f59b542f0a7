/** The certificate by which a node is known, got by a CertificateSigningRequest. Source: Kubernetes' "TLS bootstrapping". */
import { X509Certificate } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { hasReason, statusOf } from "../../../protocols/api-server.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import type { CertificateSigningRequest } from "../../../protocols/kubernetes/types/certificates-v1.ts";
import { Api } from "../cli/api.ts";
import { makeCertificateRequest } from "../io/certificates.ts";

const PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const SIGNER = "kubernetes.io/kube-apiserver-client-kubelet";
const UNAUTHORIZED = 401;
const LOOK_MS = 100;
/** Of its life; client-go draws 70 to 90 percent. */
const RENEW_SHARE = 0.8;
/** Of one that is about to end nothing is to be had. */
const LEFT_MS_MIN = 60_000;

export interface Asker {
  readonly server: string;
  readonly authority: string;
  /** By a token at first, by the certificate that it has later. */
  readonly token?: string;
  readonly credential?: string;
}

export const userOfNode = (nodeName: string): string => `system:node:${nodeName}`;

/**
 * A certificate and its key, PEM, one behind the other. `waiting` is told the name of a request that nobody has decided yet, once.
 * Errors: KUBERNETES_STATUS, CLUSTER_UNREACHABLE, CLUSTER_UNTRUSTED, CERTIFICATE_REFUSED, CERTIFICATE_TIMEOUT.
 */
export async function requestCredential(
  asker: Asker,
  nodeName: string,
  timeoutMs: number,
  waiting: (name: string) => void = () => undefined,
): Promise<string> {
  const { server, authority, token, credential } = asker;
  const api = new Api({ server, authority, token, certificate: credential, key: credential });
  try {
    const made = makeCertificateRequest({ commonName: userOfNode(nodeName), organizations: ["system:nodes"] });
    const body: CertificateSigningRequest = {
      apiVersion: "certificates.k8s.io/v1",
      kind: "CertificateSigningRequest",
      metadata: { generateName: "csr-" },
      spec: {
        request: Buffer.from(made.request).toString("base64"),
        signerName: SIGNER,
        usages: ["digital signature", "client auth"],
      },
    };
    const { metadata } = await api.json<CertificateSigningRequest>({ method: "POST", path: PATH, body }).catch(told);
    return `${await signed(api, metadata?.name ?? "", timeoutMs, waiting)}${made.key}`;
  } finally {
    api.close();
  }
}

function told(error: unknown): never {
  if (statusOf(error)?.code !== UNAUTHORIZED) throw error;
  throw new InkubeError(
    "CERTIFICATE_REFUSED",
    'the cluster does not know the token (any more): "inkube token create" makes one',
    {
      cause: error,
    },
  );
}

async function signed(api: Api, name: string, timeoutMs: number, waiting: (name: string) => void): Promise<string> {
  const endMs = performance.now() + timeoutMs;
  for (let looks = 0; ; looks++) {
    const { status } = await api
      .json<CertificateSigningRequest>({ path: `${PATH}/${name}` })
      .catch((error: unknown) => {
        if (!hasReason(error, "NotFound")) throw error;
        throw new InkubeError("CERTIFICATE_REFUSED", `the request ${name} was deleted before it was signed`);
      });
    if (status?.certificate) return Buffer.from(status.certificate, "base64").toString("utf8");
    const refused = status?.conditions?.find(({ type }) => type === "Denied" || type === "Failed");
    if (refused !== undefined) {
      const why = refused.message ?? refused.reason ?? "";
      throw new InkubeError("CERTIFICATE_REFUSED", `the request ${name} was ${refused.type.toLowerCase()}: ${why}`);
    }
    if (looks === 10) waiting(name);
    if (performance.now() >= endMs) {
      const what = `nobody has signed the request ${name} within ${Math.round(timeoutMs / 1_000)} s`;
      throw new InkubeError("CERTIFICATE_TIMEOUT", `${what}: "kubectl certificate approve ${name}", and try again`);
    }
    await sleep(LOOK_MS);
  }
}

/** When the next one is to be asked for; undefined for what is none of this node's and authority's, or is over. */
export function renewalMs(credential: string, nodeName: string, authority: string, nowMs: number): number | undefined {
  const certificate = parsed(credential);
  if (certificate === undefined || !certificate.checkIssued(new X509Certificate(authority))) return undefined;
  if (!certificate.subject.split("\n").includes(`CN=${userOfNode(nodeName)}`)) return undefined;
  const [beganMs, endMs] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  return endMs - nowMs < LEFT_MS_MIN ? undefined : beganMs + (endMs - beganMs) * RENEW_SHARE;
}

function parsed(credential: string): X509Certificate | undefined {
  try {
    return new X509Certificate(credential);
  } catch {
    return undefined;
  }
}
