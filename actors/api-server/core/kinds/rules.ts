/**
 * All that is particular to a kind, as one row of hooks; what is the same for all kinds is the generic part's, which calls them.
 * Each kind has a file of its own in `<group>/`, and a line in `kinds.ts`. Every hook is pure.
 * Source: `pkg/registry/<group>/<kind>/strategy.go`, `pkg/apis/<group>`, `pkg/printers`, and the admission plugins that are on
 * by default.
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { StatusCause } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import type { Authentication, UserInfo } from "../identity.ts";
import type { Cell } from "../machinery/cells.ts";
import type { JsonObject } from "../machinery/json-value.ts";
import type { FieldFilter } from "../managed-fields/field-filter.ts";
import type { Stepped } from "../steps.ts";
import type { FieldErrors } from "../machinery/validation/field-errors.ts";
import type { NameRule } from "../machinery/validation/object-meta.ts";

/** An object of any kind, its fields by name. */
export type Fields = KubernetesObject & { readonly [field: string]: unknown };

export interface Admission {
  readonly nowMs: number;
  /** tolerationSeconds of the two tolerations that every pod gets. */
  readonly tolerationSeconds: number;
  /** Whether pods get an account and its credentials. */
  readonly serviceAccounts: boolean;
  /** The end of a generated name. */
  readonly suffix: (length: number) => string;
  /** Another object of the cluster: its storage prefix, and its key below it. */
  readonly find: (prefix: string, key: string) => KubernetesObject | undefined;
  readonly all: (prefix: string) => readonly KubernetesObject[];
  /** Who creates; absent where it is the server itself. */
  readonly by?: UserInfo;
  /** Absent for what the server itself makes. */
  readonly isSigned?: IsSigned;
}

/** What somebody has signed, and with which key: cryptography is the outside world's. */
export interface SignedBytes {
  readonly bytes: Uint8Array;
  /** Object identifier of the algorithm. */
  readonly algorithm: string;
  /** A SubjectPublicKeyInfo (RFC 5280). */
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
}

export type IsSigned = (signed: SignedBytes) => boolean;

/** An object of the cluster by its storage prefix, and its key below it. */
export interface Awaited {
  readonly prefix: string;
  readonly key: string;
}

/** Who asks. */
export interface Caller extends UserInfo {
  readonly nowMs: number;
  /** What the token says that `tokenOf` has found. */
  readonly authentication?: Authentication;
}

/** A token to be looked at, and for which audiences; absent: for the API servers. */
export interface TokenQuestion {
  readonly token: string;
  readonly audiences?: readonly string[];
}

/** Where watchers of a field's value are found without asking all of them. */
export interface IndexedField {
  readonly name: string;
  readonly valueOf: (object: KubernetesObject) => string;
}

export interface RowCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** What one cluster gives out. */
export interface AddressRanges {
  /** First and last address that may be given, as numbers. */
  readonly firstIp: number;
  readonly lastIp: number;
  readonly firstNodePort: number;
  readonly lastNodePort: number;
}

/** What is given out already, and chance. */
export interface Taken {
  readonly has: (claimKey: string) => boolean;
  /** Uniform in [0, bound). */
  readonly below: (bound: number) => number;
}

export interface Allocation {
  readonly object: Fields;
  /** Claim keys to write and to remove with the object. */
  readonly claim: readonly string[];
  readonly release: readonly string[];
}

/** Of what all objects share, such as addresses, one has its part. A claim is a key of its own in etcd. */
export interface Claims {
  /** Every claim that a stored object holds. */
  readonly of: (object: Fields | undefined) => readonly string[];
  /**
   * Gives the object what it lacks.
   * @returns causes for a 422 when what it asks for is taken, outside of the range, or nothing is left
   */
  readonly allocate: (
    object: Fields,
    old: Fields | undefined,
    ranges: AddressRanges,
    taken: Taken,
  ) => Allocation | readonly StatusCause[];
}

/** Between the version that is served and the one that is stored. */
export interface Conversion {
  readonly toServed: (object: KubernetesObject) => KubernetesObject;
  readonly toStored: (object: KubernetesObject) => KubernetesObject;
}

/** Paths to what the subresource `scale` shows and sets. */
export interface ScalePaths {
  readonly specReplicas: readonly string[];
  readonly statusReplicas: readonly string[];
  /** To a selector as a text. */
  readonly selector?: readonly string[];
}

/** The update of a subresource that changes a part of its object. */
export interface SubresourceRules {
  /** What of `old` it changes. */
  readonly change: (object: Fields, old: Fields, nowMs: number | undefined) => Fields;
  readonly validate: (object: never, old: never, errors: FieldErrors, nowMs: number | undefined) => void;
  /** What is told besides of what the whole object says. */
  readonly warnings?: (object: never, old: never) => readonly string[];
}

/** A write that is about to be stored, whatever has been checked already. */
export interface Review extends Pick<Admission, "find" | "all"> {
  readonly verb: "create" | "update";
  /** "": the object itself. */
  readonly subresource: string;
  /** What an update replaces. */
  readonly old?: KubernetesObject;
}

/** `object` and `old` of a hook are of the kind that it is listed under: hooks may name its type. */
export interface KindRules {
  /** Has `metadata.generation`, raised when anything but metadata and status changes. */
  readonly generation?: true;
  /** A change of annotations raises the generation as well. */
  readonly annotationsCount?: true;
  /** Labels count for the generation, too. */
  readonly labelsCount?: true;
  /** Deleting answers with the object and not with a Status. */
  readonly returnsDeletedObject?: true;
  /** Deleting leaves the dependents, unless it is asked to take them along; who asks for neither is warned. */
  readonly orphans?: { readonly warning?: string };
  /** Has a `status` that only the subresource writes, and that creation empties. */
  readonly status?: "empty" | "kept";
  /** Labels can't be changed through the status subresource. */
  readonly statusKeepsLabels?: true;
  /** No metadata can be changed through it. */
  readonly statusKeepsMetadata?: true;
  /** A copy that `defaults` may change; a whole one when left out. */
  readonly copy?: (object: JsonObject) => JsonObject;
  /** Sets the defaults in the object at hand. The time is there for one that is new. */
  readonly defaults?: (object: JsonObject, nowMs?: number) => void;
  /** What a controller is about to make, and creation waits for a moment: without it `prepareCreate` refuses. */
  readonly awaits?: (object: Fields, namespace: string) => Awaited | undefined;
  /** The object has its defaults. */
  readonly prepareCreate?: (object: Fields, admission: Admission) => Fields;
  /** Main resource only; the object has its defaults, and `status` is already the old one. */
  readonly prepareUpdate?: (object: Fields, old: Fields) => Fields;
  readonly prepareStatusUpdate?: (object: Fields, old: Fields, nowMs: number | undefined) => Fields;
  /** A DNS subdomain when left out. */
  readonly name?: NameRule;
  /** What is made without a name gets a UUID for one. */
  readonly namesItself?: true;
  /** Finalizers need no domain: of kinds whose validation in Kubernetes is none of `pkg/apis/core`. */
  readonly plainFinalizers?: true;
  /** What may be much to check is checked in pieces, here and below. */
  readonly validate?: (object: never, errors: FieldErrors) => Stepped<void>;
  /** Of the main resource; `validate` when left out. Here and below the time is left out where nobody asks for the change. */
  readonly validateUpdate?: (
    object: never,
    old: never,
    errors: FieldErrors,
    nowMs: number | undefined,
  ) => Stepped<void>;
  /** Of the status subresource; the metadata alone is looked at when left out. */
  readonly validateStatusUpdate?: (
    object: never,
    old: never,
    errors: FieldErrors,
    nowMs: number | undefined,
  ) => Stepped<void>;
  /** Last word on a write, by what else is in the cluster. Throws the Status that refuses it. */
  readonly review?: (object: never, review: Review) => void;
  /** What is told about an object that is taken, in `Warning` headers. */
  readonly warnings?: (object: never) => readonly string[];
  /** What of it is told again of an update, new or not; of writes of the object itself, and of its scale. */
  readonly retold?: (object: never, old: never) => readonly string[];
  /** Annotations that only show what fields hold: they are no part of the metadata when it is asked for alone. */
  readonly shownAnnotations?: readonly string[];
  /** The kind itself is deprecated: what every request about it is told. */
  readonly deprecated?: string;
  /** One cell for each column; what every kind has when left out. */
  readonly cells?: (object: never, nowMs: number) => readonly Cell[];
  /** What is marked in its row of a Table. */
  readonly rowConditions?: (object: never) => readonly RowCondition[];
  /** Seconds that the object may live on after its deletion; 0: it goes at once. Absent: it always goes at once. */
  readonly graceSeconds?: (object: Fields, asked: number | undefined) => number;
  /** The first deletion only marks the object, and does so in this way. */
  readonly beginDeletion?: (object: Fields, nowMs: number) => Fields;
  /** A second finalizer list, in `spec`, holds the object (namespaces). */
  readonly specFinalizers?: true;
  /** How the refusal of a deletion begins that is of another object, where the kind has words of its own. */
  readonly failedPrecondition?: string;
  /** These can't be deleted. */
  readonly immortal?: ReadonlySet<string>;
  /** Objects are written with a lease, and end with it. */
  readonly expires?: true;
  /** Not stored, and made whenever it is read: from the kubelets' figures, or from how the parts of the cluster are. */
  readonly live?: "usage" | "health";
  /** Answered and not stored: what becomes of an object that is created. */
  readonly virtual?: (object: never, caller: Caller) => KubernetesObject;
  /** The token that `virtual` answers about. Throws the Status that refuses to. */
  readonly tokenOf?: (object: never) => TokenQuestion;
  readonly indexed?: IndexedField;
  readonly claims?: Claims;
  /** Updates of subresources that are about something else than the status. */
  readonly subresources?: Readonly<Record<string, SubresourceRules>>;
  /**
   * What a write can't change, by subresource ("": the object itself), so that nobody manages it for having sent it. When left
   * out: the status, and in a write of the status the spec.
   */
  readonly resetFields?: Readonly<Record<string, FieldFilter>>;
  /** Where the kind is served in another version than it is stored in. */
  readonly convert?: Conversion;
  /**
   * What a stored object looks like today, when its kind has changed since it was written: without fields that are no longer
   * known, with defaults that are new. The object at hand when it looks the same.
   */
  readonly read?: (object: KubernetesObject) => KubernetesObject;
  /** Where `scale` finds its numbers, when not in `spec.replicas`, `status.replicas` and `spec.selector`. */
  readonly scale?: ScalePaths;
}
