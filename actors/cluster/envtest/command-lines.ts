/** The command lines of the programs that stand in for Kubernetes' own: what each flag is for, and which are not honoured. */
import type { CommandLine, Flags } from "./flags.ts";

const DATA_IN_API_SERVER = "the API server holds the data itself";

const ETCD_FLAGS: Flags = {
  name: { kind: "value", help: "of this member" },
  "data-dir": { kind: "value", help: "where the API server keeps its data" },
  "listen-client-urls": { kind: "value", help: "where health is told" },
  "advertise-client-urls": { kind: "value", help: "where clients find it" },
  "listen-peer-urls": { kind: "value", help: "where peers would find it; there are none" },
  "initial-advertise-peer-urls": { kind: "value", help: "where peers would find it; there are none" },
  "initial-cluster": { kind: "value", help: "the members; there is this one" },
  "initial-cluster-state": { kind: "value", help: "new or existing" },
  "initial-cluster-token": { kind: "value", help: "of the cluster" },
  "unsafe-no-fsync": { kind: "switch", help: "do not wait for the disk" },
  "log-level": { kind: "value", help: "of what is told" },
  "log-outputs": { kind: "value", help: "where it is told" },
  logger: { kind: "value", help: "how it is told" },
  "quota-backend-bytes": { kind: "value", help: "limit of the data", unhonoured: DATA_IN_API_SERVER },
  "snapshot-count": { kind: "value", help: "entries between snapshots", unhonoured: DATA_IN_API_SERVER },
  "auto-compaction-mode": { kind: "value", help: "how history ends", unhonoured: DATA_IN_API_SERVER },
  "auto-compaction-retention": { kind: "value", help: "how much history stays", unhonoured: DATA_IN_API_SERVER },
};

const KUBE_APISERVER_FLAGS: Flags = {
  "advertise-address": { kind: "value", help: "address told to clients inside of the cluster" },
  "allow-privileged": { kind: "switch", help: "allow privileged containers" },
  "anonymous-auth": { kind: "switch", help: "let the unknown ask what is public" },
  "audit-log-maxage": { kind: "value", help: "days that files of the audit log are kept that were put aside" },
  "audit-log-maxbackup": { kind: "value", help: "how many such files are kept" },
  "audit-log-maxsize": { kind: "value", help: "megabytes from which on the file is put aside" },
  "audit-log-path": { kind: "value", help: "file of the audit log" },
  "audit-policy-file": { kind: "value", help: "policy of the audit log" },
  "authorization-mode": { kind: "value", help: "AlwaysAllow; others are told" },
  "bind-address": { kind: "value", help: "address to serve on: one of this machine" },
  "cert-dir": { kind: "value", help: "folder of apiserver.crt and apiserver.key" },
  "client-ca-file": { kind: "value", help: "authority of client certificates" },
  "disable-admission-plugins": { kind: "value", help: "ServiceAccount; others are told" },
  "enable-admission-plugins": { kind: "value", help: "those that are on; others are told" },
  "enable-priority-and-fairness": { kind: "switch", help: "of requests", unhonoured: "there is one limit for all" },
  "endpoint-reconciler-type": { kind: "value", help: "of the Service kubernetes" },
  "etcd-prefix": { kind: "value", help: "of all keys" },
  "etcd-servers": { kind: "value", help: "inkube's etcd, in whose data directory the data is kept" },
  "event-ttl": { kind: "value", help: "how long Events live", unhonoured: "it is an hour" },
  "feature-gates": { kind: "value", help: "features", unhonoured: "what inkube has is on, and nothing else is there" },
  "max-mutating-requests-inflight": { kind: "value", help: "limit", unhonoured: "there is one limit for all" },
  "max-requests-inflight": { kind: "value", help: "limit", unhonoured: "there is one limit for all" },
  "runtime-config": { kind: "value", help: "versions of the API", unhonoured: "what inkube serves is on" },
  "secure-port": { kind: "value", help: "port to serve on; 0: any free one" },
  "service-account-issuer": { kind: "value", help: "issuer of tokens" },
  "service-account-key-file": { kind: "value", help: "keys by which tokens are known" },
  "service-account-signing-key-file": { kind: "value", help: "key that signs tokens" },
  "service-cluster-ip-range": { kind: "value", help: "addresses of Services" },
  "service-node-port-range": { kind: "value", help: "ports of nodes", unhonoured: "it is 30000-32767" },
  "storage-backend": { kind: "value", help: "etcd3" },
  "tls-cert-file": { kind: "value", help: "certificate to serve with" },
  "tls-private-key-file": { kind: "value", help: "key of that certificate" },
  "token-auth-file": { kind: "value", help: 'tokens: token,user,uid,"group,group" a line' },
  v: { kind: "value", help: "how much is told" },
};

export const ETCD: CommandLine = {
  program: "etcd",
  what: "etcd of inkube, for envtest: health checks, and a place for the data of inkube's kube-apiserver",
  flags: ETCD_FLAGS,
};

export const KUBE_APISERVER: CommandLine = {
  program: "kube-apiserver",
  what: "kube-apiserver of inkube, for envtest: the Kubernetes API alone, without controllers and nodes",
  flags: KUBE_APISERVER_FLAGS,
};
