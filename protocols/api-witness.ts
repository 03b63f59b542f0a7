/**
 * What passes an API server, as one who looks on is told of it: the simulation's history directly, that of a cluster on
 * threads by a stream.
 */
import type { ApiWatchEvent } from "./api-server.ts";

export type SeenVerb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "deletecollection";

/** A request that was carried out, or not. */
export interface SeenRequest {
  readonly atMs: number;
  /** The client: a user's name, of a controller under test that of its replica. */
  readonly by: string;
  readonly verb: SeenVerb;
  /** `configmaps`, `deployments.apps`. */
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace: string;
  readonly name: string;
  /** HTTP status of its answer, whether that arrived or not; 0 when nothing was answered. */
  readonly code: number;
  /** Of the answer: what was written, or what was read is of. 0 where there is none. */
  readonly revision: number;
  /** The trace event that its writes name as their cause. */
  readonly cause: string;
  /** What a fault made of it; absent: nothing. */
  readonly fate?: "refused" | "lost" | "never";
}

/** A watch that a client opens. */
export interface SeenWatch {
  readonly atMs: number;
  /** Its own among all watches of a run. */
  readonly watch: string;
  readonly by: string;
  readonly resource: string;
  /** Undefined: all. */
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly labelSelector: string | undefined;
  readonly fieldSelector: string | undefined;
  /** Revision after which it is to tell everything; 0 where it begins with what is there. */
  readonly from: number;
}

/** A bookmark that a watch told. */
export interface SeenBookmark {
  readonly atMs: number;
  readonly watch: string;
  readonly by: string;
  readonly revision: number;
}

/** An event that a watch told. */
export interface SeenDelivery {
  readonly atMs: number;
  readonly watch: string;
  readonly by: string;
  readonly type: Exclude<ApiWatchEvent["type"], "BOOKMARK">;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
}

/** Looks on. */
export interface Witness {
  request(seen: SeenRequest): void;
  watch(seen: SeenWatch): void;
  delivery(seen: SeenDelivery): void;
  bookmark(seen: SeenBookmark): void;
}

/** One of these, as an item of the stream `witness`. */
export type Seen =
  | { readonly request: SeenRequest }
  | { readonly watch: SeenWatch }
  | { readonly delivery: SeenDelivery }
  | { readonly bookmark: SeenBookmark };

/** Of whose clients everything is told; of all others writes are. */
export interface WitnessRequest {
  readonly by: readonly string[];
}
