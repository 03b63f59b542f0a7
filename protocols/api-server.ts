/**
 * The Kubernetes API as messages between actors. The verbs, the options and the answers are those of the REST API; the
 * same pipeline serves both doors. The caller's identity is the name of its actor, which the link vouches for.
 */
import type { Seen, WitnessRequest } from "./api-witness.ts";
import type { ObjectMeta, Status } from "./kubernetes/types/meta-v1.ts";
import { InkubeError } from "./errors.ts";
import type { Call, Protocol, Stream } from "./protocol.ts";
import { call, protocol, stream } from "./protocol.ts";

/** A resource as in a URL: `{ group: "apps", version: "v1", resource: "deployments" }`; the core group is "". */
export interface GroupVersionResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

/** Any API object. Kinds have types of their own in `protocols/kubernetes/`. */
export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: ObjectMeta;
}

export interface ApiTarget extends GroupVersionResource {
  readonly namespace?: string;
  readonly name?: string;
  /** `status`, `scale`, `binding`, `finalize`, `log`, … */
  readonly subresource?: string;
}

export type PatchType =
  | "application/json-patch+json"
  | "application/merge-patch+json"
  | "application/strategic-merge-patch+json"
  | "application/apply-patch+yaml";

export interface WriteOptions {
  readonly dryRun?: boolean;
  /** Who is to manage what is written; the name of the actor when left out. Server-side apply must have it. */
  readonly fieldManager?: string;
  /** Of server-side apply: takes over what others manage. */
  readonly force?: boolean;
  readonly fieldValidation?: "Ignore" | "Warn" | "Strict";
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Orphan" | "Background" | "Foreground";
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
  /** Of an object that can be read it is refused: nothing but the store's own damage calls for it. */
  readonly ignoreStoreReadErrorWithClusterBreakingPotential?: boolean;
}

export interface ListOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  /** Absent: the newest, consistent. "0": whatever the cache has. Else: not older than this. */
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: "Exact" | "NotOlderThan";
}

export type ApiRequest =
  | { readonly verb: "get"; readonly target: ApiTarget; readonly resourceVersion?: string }
  | { readonly verb: "list"; readonly target: ApiTarget; readonly options?: ListOptions }
  | {
      readonly verb: "create";
      readonly target: ApiTarget;
      readonly object: KubernetesObject;
      readonly options?: WriteOptions;
    }
  | {
      readonly verb: "update";
      readonly target: ApiTarget;
      readonly object: KubernetesObject;
      readonly options?: WriteOptions;
    }
  | {
      readonly verb: "patch";
      readonly target: ApiTarget;
      readonly patchType: PatchType;
      readonly patch: unknown;
      readonly options?: WriteOptions;
    }
  | { readonly verb: "delete"; readonly target: ApiTarget; readonly options?: DeleteOptions }
  | {
      readonly verb: "deletecollection";
      readonly target: ApiTarget;
      readonly options?: DeleteOptions;
      readonly list?: ListOptions;
    };

export interface ApiResponse {
  readonly object: KubernetesObject;
}

export interface KubernetesList<T extends KubernetesObject = KubernetesObject> extends KubernetesObject {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly T[];
}

export interface ApiWatchRequest {
  readonly target: ApiTarget;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Events after this revision. Absent: first the present objects as ADDED, then a BOOKMARK, then what comes. */
  readonly resourceVersion?: string;
}

export interface ApiWatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  readonly object: KubernetesObject;
  /** The trace event that made this change. */
  readonly cause?: string;
}

export type ApiServerMethods = {
  request: Call<ApiRequest, ApiResponse>;
  /** Ends with the Status 410 (reason Expired) when the revision asked for is no longer kept. */
  watch: Stream<ApiWatchRequest, ApiWatchEvent>;
  /** From the supervisor: serve HTTPS on the cluster's address. Answers with the port. */
  serve: Call<{ readonly host: string; readonly port: number; readonly reusePort: boolean }, { readonly port: number }>;
  /** From the supervisor: leave the cluster's address to others. It is free when this is answered. */
  withdraw: Call<null, null>;
  /** Whether the server can answer what clients ask: how it stands, once that is known, and then each change. */
  readiness: Stream<null, { readonly ready: boolean }>;
  /** Whether the whole way to a quorum works: answers once etcd has answered a linearizable read. */
  ready: Call<null, { readonly resourceVersion: string }>;
  /** What passes this server, in order, from now on. A program that waits long falls behind, and the stream ends then. */
  witness: Stream<WitnessRequest, Seen>;
};

/** A second of a busy server, as far as a witness is told of it. */
const WITNESS_BUFFER_MAX = 65_536;

export const apiServerProtocol: Protocol<ApiServerMethods> = protocol<ApiServerMethods>("api-server", {
  request: call({ timeoutMs: 10_000 }),
  watch: stream(),
  serve: call(),
  withdraw: call(),
  readiness: stream(),
  ready: call(),
  witness: stream({ bufferMax: WITNESS_BUFFER_MAX }),
});

/** The code of every error that the Kubernetes API answers with; `details` is the Status object. */
export const KUBERNETES_STATUS = "KUBERNETES_STATUS";

/** An API error as Kubernetes knows it, to throw from a handler. */
export function statusError(status: Status): InkubeError {
  const code = status.code ?? 500;
  return new InkubeError(KUBERNETES_STATUS, status.message ?? status.reason ?? `HTTP ${code}`, {
    retryable: code === 409 || code === 429 || code >= 500,
    details: status,
  });
}

/** The Status of an API error, or undefined for any other error. */
export function statusOf(error: unknown): Status | undefined {
  return error instanceof InkubeError && error.code === KUBERNETES_STATUS ? (error.details as Status) : undefined;
}

/** Whether `error` is an API error with this `reason` (`NotFound`, `Conflict`, `AlreadyExists`, `Expired`, …). */
export function hasReason(error: unknown, ...reasons: readonly string[]): boolean {
  const reason = statusOf(error)?.reason;
  return reason !== undefined && reasons.includes(reason);
}
