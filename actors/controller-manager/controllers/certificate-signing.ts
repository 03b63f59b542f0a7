/**
 * Approves the requests by which nodes get their first certificate and renew it, where whoever asks may have that, and signs what is
 * approved with the cluster's authority. There are few: each is read anew when something of it has changed.
 * Source: kube-controller-manager's `csrapproving` and `csrsigning`.
 */
import { hasReason } from "../../../protocols/api-server.ts";
import type { SubjectAccessReview } from "../../../protocols/kubernetes/types/authorization-v1.ts";
import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
} from "../../../protocols/kubernetes/types/certificates-v1.ts";
import { certificateSigningRequests, subjectAccessReviews } from "../../client/resources.ts";
import type { SigningOrder } from "../core/certificates/signers.ts";
import { approvalFor, signingOrder } from "../core/certificates/signers.ts";
import type { Controller, Session } from "../session.ts";

/** PEM. */
export type SignCertificate = (
  order: SigningOrder,
  authority: { readonly certificate: string; readonly key: string },
) => string;

export function certificateSigningController(sign: SignCertificate): Controller {
  return (session) => {
    const queue = session.queue("certificate-signing", (name, turn) => reconcile(turn, name, sign));
    session.eachFollowed(
      ({ resource, informer }) => {
        if (
          resource.resource !== certificateSigningRequests.resource ||
          resource.group !== certificateSigningRequests.group
        )
          return;
        informer.onChange(({ type, object }) => {
          if (type !== "deleted") queue.add(object.metadata?.name ?? "");
        });
      },
      () => undefined,
    );
  };
}

async function reconcile(session: Session, name: string, sign: SignCertificate): Promise<void> {
  const request = await session.client.find(certificateSigningRequests, name);
  if (request === undefined) return;
  try {
    const subresource = approvalFor(request);
    // Its approval is the next change of it.
    if (subresource !== undefined) return await approve(session, request, subresource);
    await issue(session, request, sign);
  } catch (error) {
    // It has changed, and its change comes; or it is gone.
    if (!hasReason(error, "Conflict", "NotFound")) throw error;
  }
}

async function approve(session: Session, request: CertificateSigningRequest, subresource: string): Promise<void> {
  const { username, uid, groups, extra } = request.spec;
  const review: SubjectAccessReview = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    spec: {
      ...(username === undefined ? {} : { user: username }),
      ...(uid === undefined ? {} : { uid }),
      ...(groups === undefined ? {} : { groups }),
      ...(extra === undefined ? {} : { extra }),
      resourceAttributes: {
        group: certificateSigningRequests.group,
        version: "*",
        resource: certificateSigningRequests.resource,
        verb: "create",
        subresource,
      },
    },
  };
  const { status } = await session.client.create(subjectAccessReviews, review);
  if (status?.allowed !== true) return;
  const message = "Auto approving kubelet client certificate after SubjectAccessReview.";
  const approved = withCondition(request, { type: "Approved", status: "True", reason: "AutoApproved", message });
  await session.client.update(certificateSigningRequests, approved, { subresource: "approval" });
}

async function issue(session: Session, request: CertificateSigningRequest, sign: SignCertificate): Promise<void> {
  const { signing } = session.options;
  const order = signingOrder(request, session.ctx.clock.nowMs());
  if (order === undefined || signing === undefined) return;
  if (typeof order === "string") {
    const failed = { type: "Failed", status: "True", reason: "SignerValidationFailure", message: order };
    await session.client.updateStatus(certificateSigningRequests, withCondition(request, failed));
    return;
  }
  const status = { ...request.status, certificate: btoa(sign(order, signing)) };
  await session.client.updateStatus(certificateSigningRequests, { ...request, status });
}

function withCondition(
  request: CertificateSigningRequest,
  condition: CertificateSigningRequestCondition,
): CertificateSigningRequest {
  return { ...request, status: { ...request.status, conditions: [...(request.status?.conditions ?? []), condition] } };
}
