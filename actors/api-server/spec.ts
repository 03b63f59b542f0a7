/** What an API server is started with. Data only. */
import type { AuditOptions } from "./audit.ts";
import type { TokenUser } from "./core/identity.ts";
import type { ContactLimits } from "./core/quorum-contact.ts";
import type { TokenTerms } from "./core/tokens/token-request.ts";
import type { HistoryLimits } from "./core/cache/resource-cache.ts";

export interface TlsMaterial {
  /** PEM. Signs the client certificates that are let in. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface ServiceAccountOptions extends TokenTerms {
  /** PEM of a private key, RSA or EC: signs the tokens of ServiceAccounts. Empty: none are given out. */
  readonly signingKey: string;
  /** PEM, public or private: who has signed with one of these is believed besides. */
  readonly verifyingKeys: readonly string[];
  /**
   * Whether a pod gets its account's credentials, and needs an account that is there: admission plugin ServiceAccount. Without the
   * controllers that make the account of each namespace no pod would be let in, so it is off then, as in envtest.
   */
  readonly admission: boolean;
}

export interface ApiServerOptions extends HistoryLimits, ContactLimits {
  /** Names of the etcd actors, this master's own first. */
  readonly members: readonly string[];
  /** Whether there are API servers in other processes as well, with which the Service `kubernetes` is shared. */
  readonly sharesService: boolean;
  readonly tls?: TlsMaterial;
  /**
   * With what this server shows to servers behind it (APIServices) that the names it sends along are true. Absent: they can't tell, and
   * those that look will refuse.
   */
  readonly proxyClient?: { readonly cert: string; readonly key: string };
  readonly tokens: readonly TokenUser[];
  readonly serviceAccounts: ServiceAccountOptions;
  /** What is kept of requests in the audit log; absent: nothing. */
  readonly audit?: AuditOptions;
  /** Let into the ports of the kubelets of this process. */
  readonly kubeletToken: string;
  /** Shown to kubelets elsewhere, PEM. Absent: they let nobody in. */
  readonly kubeletClient?: { readonly cert: string; readonly key: string };
  /** Name of the actor that serves the flight recorders at `/debug/trace`; absent where there is none. */
  readonly traceCollector?: string;
  /** Whether `metrics.k8s.io` is served from the kubelets' figures, where Kubernetes has metrics-server for it. */
  readonly metrics: boolean;
  /** Whether there is a controller-manager that makes volumes, and so a default StorageClass. */
  readonly volumes: boolean;
  readonly serviceCidr: string;
  /**
   * Pause before the objects of a fresh control plane are written, up to twice as long: what a start waits for goes first, and of
   * several servers one writes them and the others find them.
   */
  readonly initialObjectsAfterMs: number;
  readonly nodePortFirst: number;
  readonly nodePortLast: number;
  /** Seconds that a pod tolerates a node that is lost. Kubernetes has 300; here a node is lost within seconds. */
  readonly tolerationSeconds: number;
  /** Life of an Event. As in Kubernetes. */
  readonly eventTtlSeconds: number;
  /**
   * Events kept of the whole cluster; the oldest go first, however young. Kubernetes bounds them by age alone, and an hour of
   * busy controllers in every cache of one process would take gigabytes: 10 KB each with three masters.
   */
  readonly eventsMax: number;
  /** Deadline of a request that names none. kube-apiserver has 60 s; a quorum that takes 10 s is not coming back. */
  readonly requestTimeoutMs: number;
  /** How long it may take to check what a write brings, others having their turns meanwhile. As kube-apiserver's limit of a write. */
  readonly workTimeoutMs: number;
  /** Deadline of a request that another server answers, watches and the like apart. As kube-apiserver's. */
  readonly remoteTimeoutMs: number;
  /**
   * Deadline of one try of a small request at one etcd member. It takes milliseconds; when a member hangs, what renews a Lease
   * of 3 s must have reached another one well before.
   */
  readonly attemptTimeoutMs: number;
  /** As `attemptTimeoutMs`, for a page of a range: megabytes on a busy machine. */
  readonly rangeTimeoutMs: number;
  /** First and longest pause after all members have failed in a row. */
  readonly retryBaseMs: number;
  readonly retryCapMs: number;
  /** After a fail-over, how often the preferred member is asked whether it serves again. */
  readonly preferAgainMs: number;
  /** How often a server that has heard of no quorum meanwhile asks for one. */
  readonly contactTickMs: number;
  /** A reader that waits this long for the cache makes the cache follow another member. */
  readonly watchStallMs: number;
  /** Keys in one page of the first list. About 2 MB of pods. */
  readonly loadPage: number;
  /** Revisions of the past that a fresh cache replays, so that watches survive the restart of their server. */
  readonly replayRevisions: number;
  /** Period of compaction. As kube-apiserver's. */
  readonly compactionMs: number;
  /** Period of bookmarks. As kube-apiserver's. */
  readonly bookmarkMs: number;
  /** Largest request body. As kube-apiserver's 3 MB. */
  readonly bodyBytesMax: number;
  /** Answers of this size and more are compressed for clients that accept it. As kube-apiserver's. */
  readonly gzipBytes: number;
  /**
   * Seats of the priority levels together: what may be under way at once of the requests at the HTTPS door. As kube-apiserver's
   * `--max-requests-inflight` and `--max-mutating-requests-inflight`.
   */
  readonly requestsMax: number;
  /** A connection on which nothing has been asked for so long is closed. As kube-apiserver's. */
  readonly connectionIdleMs: number;
  /** How long a client may take to agree on keys, and then to send the head of a request over HTTP/1.1. As kube-apiserver's. */
  readonly headersTimeoutMs: number;
  /** How long a client may take to begin with HTTP/2. As Go's server. */
  readonly prefaceTimeoutMs: number;
  /** How long a client may take to send a body. */
  readonly bodyTimeoutMs: number;
  /** How long a client may take to read a large answer: kube-apiserver's limit of a request. */
  readonly answerTimeoutMs: number;
  /** What may wait for a slow watcher at the HTTPS door before it is cut off. */
  readonly watchBufferBytes: number;
  /**
   * What is held at once for all clients of the HTTPS door: bodies that are still coming in, answers and events that are not read. Beyond
   * it 429, and slow watchers are cut off. Room for 150 of the largest bodies, or the lists that two dozen controllers begin with.
   */
  readonly heldBytesMax: number;
  /** Deletions of one deletecollection under way at once. */
  readonly deleteWorkers: number;
  /** How long a webhook is waited for, should the request not end before. As kube-apiserver. */
  readonly webhookTimeoutMs: number;
  /**
   * Longest answer of a webhook: more than the largest object that can be stored, or four times a batch of them. It is read in one turn,
   * in which nobody else is served: of 20 MB that takes more than a second.
   */
  readonly webhookAnswerBytesMax: number;
  /** Objects, and bytes of them, that one review asks a webhook to convert. kube-apiserver asks for each by itself. */
  readonly conversionBatch: number;
  readonly conversionBatchBytes: number;
}

const ISSUER = "https://kubernetes.default.svc.cluster.local";

export const SERVICE_ACCOUNT_DEFAULTS: ServiceAccountOptions = {
  // As kubeadm names it.
  issuer: ISSUER,
  audiences: [ISSUER],
  extendExpiration: true,
  signingKey: "",
  verifyingKeys: [],
  admission: false,
};

export const API_SERVER_DEFAULTS: Omit<
  ApiServerOptions,
  "members" | "tls" | "proxyClient" | "tokens" | "kubeletToken" | "kubeletClient"
> = {
  serviceAccounts: SERVICE_ACCOUNT_DEFAULTS,
  metrics: false,
  sharesService: false,
  volumes: false,
  serviceCidr: "127.96.0.0/16",
  initialObjectsAfterMs: 300,
  nodePortFirst: 30_000,
  nodePortLast: 32_767,
  tolerationSeconds: 1,
  eventTtlSeconds: 3_600,
  eventsMax: 2_048,
  requestTimeoutMs: 10_000,
  workTimeoutMs: 34_000,
  remoteTimeoutMs: 60_000,
  attemptTimeoutMs: 1_000,
  rangeTimeoutMs: 5_000,
  retryBaseMs: 5,
  retryCapMs: 160,
  preferAgainMs: 1_000,
  contactTickMs: 200,
  // A tick may pass before the first one that counts: a second in all.
  lostTicks: 4,
  // Three seconds: an election takes two at most, and is no reason for every informer to move.
  cutOffTicks: 15,
  watchStallMs: 1_000,
  loadPage: 1_000,
  replayRevisions: 1_000,
  compactionMs: 300_000,
  bookmarkMs: 60_000,
  bodyBytesMax: 3_145_728,
  gzipBytes: 131_072,
  requestsMax: 600,
  connectionIdleMs: 90_000,
  headersTimeoutMs: 32_000,
  prefaceTimeoutMs: 10_000,
  bodyTimeoutMs: 30_000,
  answerTimeoutMs: 60_000,
  watchBufferBytes: 8_388_608,
  heldBytesMax: 536_870_912,
  deleteWorkers: 64,
  webhookTimeoutMs: 30_000,
  webhookAnswerBytesMax: 4_194_304,
  conversionBatch: 100,
  conversionBatchBytes: 1_048_576,
  historyMax: 8_192,
  historyMin: 128,
  historyAgeMs: 75_000,
  historyBytes: 4_194_304,
};
