import type { EtcdErrorCode } from "../../../../protocols/etcd.ts";
import { InkubeError } from "../../../../protocols/errors.ts";

/** Texts of etcd (`api/v3rpc/rpctypes/error.go`), and whether the same request can succeed later. */
const ERRORS: { readonly [Code in EtcdErrorCode]: readonly [message: string, retryable: boolean] } = {
  ETCD_COMPACTED: ["etcdserver: mvcc: required revision has been compacted", false],
  ETCD_FUTURE_REVISION: ["etcdserver: mvcc: required revision is a future revision", false],
  ETCD_LEASE_NOT_FOUND: ["etcdserver: requested lease not found", false],
  ETCD_LEASE_EXISTS: ["etcdserver: lease already exists", false],
  ETCD_DUPLICATE_KEY: ["etcdserver: duplicate key given in txn request", false],
  ETCD_TOO_MANY_OPS: ["etcdserver: too many operations in txn request", false],
  ETCD_REQUEST_TOO_LARGE: ["etcdserver: request is too large", false],
  ETCD_TOO_MANY_REQUESTS: ["etcdserver: too many requests", true],
  ETCD_NO_SPACE: ["etcdserver: mvcc: database space exceeded", false],
  ETCD_NO_LEADER: ["etcdserver: no leader", true],
  ETCD_LEADER_CHANGED: ["etcdserver: leader changed", true],
  ETCD_QUORUM_LOST: ["etcdserver: no leader, and there can be none", false],
  ETCD_TIMEOUT: ["etcdserver: request timed out", true],
  ETCD_MEMBER_NOT_FOUND: ["etcdserver: member not found", false],
  ETCD_MEMBER_EXISTS: ["etcdserver: member ID already exist", false],
  ETCD_PEER_URL_EXISTS: ["etcdserver: Peer URLs already exists", false],
  ETCD_BAD_MEMBER_URLS: ["etcdserver: given member URLs are invalid", false],
  ETCD_MEMBER_NOT_LEARNER: ["etcdserver: can only promote a learner member", false],
  ETCD_LEARNER_NOT_READY: ["etcdserver: can only promote a learner member which is in sync with leader", true],
  ETCD_TOO_MANY_LEARNERS: ["etcdserver: too many learner members in cluster", false],
  ETCD_NOT_ENOUGH_STARTED: ["etcdserver: re-configuration failed due to not enough started members", false],
  ETCD_UNHEALTHY: ["etcdserver: unhealthy cluster", true],
  ETCD_LEARNER: ["etcdserver: rpc not supported for learner", false],
  ETCD_BAD_TRANSFEREE: ["etcdserver: bad leader transferee", false],
  ETCD_OUT_OF_SERVICE: ["etcdserver: server stopped", true],
  ETCD_CORRUPT: ["etcdserver: corrupt cluster", false],
};

/** `what` says more where etcd's own text would not tell what to do. */
export function etcdError(code: EtcdErrorCode, details?: unknown, what?: string): InkubeError {
  const [message, retryable] = ERRORS[code];
  const text = what === undefined ? message : `${message}: ${what}`;
  return new InkubeError(code, text, details === undefined ? { retryable } : { retryable, details });
}
