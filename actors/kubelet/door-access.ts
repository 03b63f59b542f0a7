/** Who may ask this kubelet what: the API server knows. What it said is believed for a while, as by Kubernetes' kubelets. */
import type { SubjectAccessReview } from "../../protocols/kubernetes/types/authorization-v1.ts";
import type { Context } from "../../runtime/actor.ts";
import type { Client } from "../client/client.ts";
import { subjectAccessReviews } from "../client/resources.ts";
import type { DoorUser } from "./core/door-request.ts";
import { subresourceOf } from "./core/door-request.ts";

/** Source: kubelet `authorization.webhook.cacheAuthorizedTTL`, `cacheUnauthorizedTTL`. */
const ALLOWED_FOR_MS = 300_000;
const REFUSED_FOR_MS = 30_000;
/** API servers and who scrapes metrics are a handful. */
const KNOWN_MAX = 256;

export class DoorAccess {
  private readonly ctx: Context<unknown>;
  private readonly client: Client;
  private readonly nodeName: string;
  private readonly known = new Map<string, { readonly allowed: boolean; readonly untilMs: number }>();

  constructor(ctx: Context<unknown>, client: Client, nodeName: string) {
    this.ctx = ctx;
    this.client = client;
    this.nodeName = nodeName;
  }

  /** Errors: those of the API server, when it can't be asked. */
  async mayAsk({ user, groups }: DoorUser, path: string): Promise<boolean> {
    const subresource = subresourceOf(path);
    const key = JSON.stringify([user, groups, subresource]);
    const nowMs = this.ctx.clock.monotonicMs();
    const before = this.known.get(key);
    if (before !== undefined && nowMs < before.untilMs) return before.allowed;
    const review: SubjectAccessReview = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      spec: {
        user,
        groups,
        resourceAttributes: { verb: "get", version: "v1", resource: "nodes", name: this.nodeName, subresource },
      },
    };
    const { status } = await this.client.create(subjectAccessReviews, review);
    const allowed = status?.allowed === true;
    if (this.known.size >= KNOWN_MAX) this.known.clear();
    this.known.set(key, { allowed, untilMs: nowMs + (allowed ? ALLOWED_FOR_MS : REFUSED_FOR_MS) });
    return allowed;
  }
}
