/**
 * Errors of etcd as its clients know them: by gRPC's code and by the text, to the letter. Source: etcd 3.7
 * `api/v3rpc/rpctypes/error.go`.
 */
import { InkubeError } from "./errors.ts";
import type { EtcdErrorCode } from "./etcd.ts";
import type { GrpcCode } from "./etcd-wire/grpc.ts";
import { GRPC } from "./etcd-wire/grpc.ts";

interface EtcdErrorFacts {
  readonly text: string;
  readonly grpc: GrpcCode;
  /** Whether the same request can succeed later. */
  readonly retryable: boolean;
}

const fails = (grpc: GrpcCode, text: string): EtcdErrorFacts => ({
  text: `etcdserver: ${text}`,
  grpc,
  retryable: false,
});
const passes = (grpc: GrpcCode, text: string): EtcdErrorFacts => ({ ...fails(grpc, text), retryable: true });

export const ETCD_ERRORS: { readonly [Code in EtcdErrorCode]: EtcdErrorFacts } = {
  ETCD_COMPACTED: fails(GRPC.OUT_OF_RANGE, "mvcc: required revision has been compacted"),
  ETCD_FUTURE_REVISION: fails(GRPC.OUT_OF_RANGE, "mvcc: required revision is a future revision"),
  ETCD_EMPTY_KEY: fails(GRPC.INVALID_ARGUMENT, "key is not provided"),
  ETCD_KEY_NOT_FOUND: fails(GRPC.INVALID_ARGUMENT, "key not found"),
  ETCD_VALUE_PROVIDED: fails(GRPC.INVALID_ARGUMENT, "value is provided"),
  ETCD_LEASE_PROVIDED: fails(GRPC.INVALID_ARGUMENT, "lease is provided"),
  ETCD_INVALID_SORT_OPTION: fails(GRPC.INVALID_ARGUMENT, "invalid sort option"),
  ETCD_LEASE_NOT_FOUND: fails(GRPC.NOT_FOUND, "requested lease not found"),
  ETCD_LEASE_EXISTS: fails(GRPC.FAILED_PRECONDITION, "lease already exists"),
  ETCD_LEASE_TTL_TOO_LARGE: fails(GRPC.OUT_OF_RANGE, "too large lease TTL"),
  ETCD_DUPLICATE_KEY: fails(GRPC.INVALID_ARGUMENT, "duplicate key given in txn request"),
  ETCD_TOO_MANY_OPS: fails(GRPC.INVALID_ARGUMENT, "too many operations in txn request"),
  ETCD_REQUEST_TOO_LARGE: fails(GRPC.INVALID_ARGUMENT, "request is too large"),
  ETCD_TOO_MANY_REQUESTS: passes(GRPC.RESOURCE_EXHAUSTED, "too many requests"),
  ETCD_NO_SPACE: fails(GRPC.RESOURCE_EXHAUSTED, "mvcc: database space exceeded"),
  ETCD_NO_LEADER: passes(GRPC.UNAVAILABLE, "no leader"),
  ETCD_NOT_LEADER: fails(GRPC.FAILED_PRECONDITION, "not leader"),
  ETCD_BAD_TRANSFEREE: fails(GRPC.FAILED_PRECONDITION, "bad leader transferee"),
  ETCD_LEADER_CHANGED: passes(GRPC.UNAVAILABLE, "leader changed"),
  ETCD_QUORUM_LOST: fails(GRPC.UNAVAILABLE, "no leader, and there can be none"),
  ETCD_TIMEOUT: passes(GRPC.UNAVAILABLE, "request timed out"),
  ETCD_MEMBER_NOT_FOUND: fails(GRPC.NOT_FOUND, "member not found"),
  ETCD_MEMBER_EXISTS: fails(GRPC.FAILED_PRECONDITION, "member ID already exist"),
  ETCD_PEER_URL_EXISTS: fails(GRPC.FAILED_PRECONDITION, "Peer URLs already exists"),
  ETCD_BAD_MEMBER_URLS: fails(GRPC.INVALID_ARGUMENT, "given member URLs are invalid"),
  ETCD_MEMBER_NOT_LEARNER: fails(GRPC.FAILED_PRECONDITION, "can only promote a learner member"),
  ETCD_LEARNER_NOT_READY: passes(
    GRPC.FAILED_PRECONDITION,
    "can only promote a learner member which is in sync with leader",
  ),
  ETCD_TOO_MANY_LEARNERS: fails(GRPC.FAILED_PRECONDITION, "too many learner members in cluster"),
  ETCD_NOT_ENOUGH_STARTED: fails(GRPC.FAILED_PRECONDITION, "re-configuration failed due to not enough started members"),
  ETCD_UNHEALTHY: passes(GRPC.UNAVAILABLE, "unhealthy cluster"),
  ETCD_LEARNER: fails(GRPC.UNAVAILABLE, "rpc not supported for learner"),
  ETCD_OUT_OF_SERVICE: passes(GRPC.UNAVAILABLE, "server stopped"),
  ETCD_CORRUPT: fails(GRPC.DATA_LOSS, "corrupt cluster"),
  ETCD_ROOT_USER_MISSING: fails(GRPC.FAILED_PRECONDITION, "root user does not exist"),
  ETCD_ROOT_ROLE_MISSING: fails(GRPC.FAILED_PRECONDITION, "root user does not have root role"),
  ETCD_USER_EXISTS: fails(GRPC.FAILED_PRECONDITION, "user name already exists"),
  ETCD_USER_EMPTY: fails(GRPC.INVALID_ARGUMENT, "user name is empty"),
  ETCD_USER_NOT_FOUND: fails(GRPC.FAILED_PRECONDITION, "user name not found"),
  ETCD_ROLE_EXISTS: fails(GRPC.FAILED_PRECONDITION, "role name already exists"),
  ETCD_ROLE_NOT_FOUND: fails(GRPC.FAILED_PRECONDITION, "role name not found"),
  ETCD_ROLE_EMPTY: fails(GRPC.INVALID_ARGUMENT, "role name is empty"),
  ETCD_AUTH_FAILED: fails(GRPC.INVALID_ARGUMENT, "authentication failed, invalid user ID or password"),
  ETCD_PERMISSION_NOT_GIVEN: fails(GRPC.INVALID_ARGUMENT, "permission not given"),
  ETCD_PERMISSION_DENIED: fails(GRPC.PERMISSION_DENIED, "permission denied"),
  ETCD_ROLE_NOT_GRANTED: fails(GRPC.FAILED_PRECONDITION, "role is not granted to the user"),
  ETCD_PERMISSION_NOT_GRANTED: fails(GRPC.FAILED_PRECONDITION, "permission is not granted to the role"),
  ETCD_AUTH_NOT_ENABLED: fails(GRPC.FAILED_PRECONDITION, "authentication is not enabled"),
  ETCD_INVALID_TOKEN: fails(GRPC.UNAUTHENTICATED, "invalid auth token"),
  ETCD_INVALID_AUTH_MANAGEMENT: fails(GRPC.INVALID_ARGUMENT, "invalid auth management"),
  ETCD_AUTH_OLD_REVISION: passes(GRPC.INVALID_ARGUMENT, "revision of auth store is old"),
};

/** `what` says more where etcd's own text would not tell what to do; clients of etcd are told without it. */
export function etcdError(code: EtcdErrorCode, details?: unknown, what?: string): InkubeError {
  const { text, retryable } = ETCD_ERRORS[code];
  const message = what === undefined ? text : `${text}: ${what}`;
  return new InkubeError(code, message, details === undefined ? { retryable } : { retryable, details });
}

const BY_TEXT: ReadonlyMap<string, EtcdErrorCode> = new Map(
  Object.entries(ETCD_ERRORS).map(([code, { text }]) => [text, code as EtcdErrorCode]),
);

/** The error that a server of etcd has told by `text`; undefined where it is none of ours. */
export function etcdErrorCodeOf(text: string): EtcdErrorCode | undefined {
  return BY_TEXT.get(text);
}
