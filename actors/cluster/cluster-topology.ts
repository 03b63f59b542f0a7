/** The topology of a cluster on this machine: what was asked for, who it is, and what the machine has. */
import { randomBytes } from "node:crypto";
import { wallNowMs } from "../../runtime/threads/machine-clock.ts";
import type { ApiServerOptions } from "../api-server/spec.ts";
import { SERVICE_ACCOUNT_DEFAULTS } from "../api-server/spec.ts";
import type { ListenOptions } from "../etcd/spec.ts";
import type { Addresses } from "./addresses.ts";
import { addressesOf, apiServiceAddress } from "./addresses.ts";
import type { Identity } from "./io/identity.ts";
import { kubeletClientCertificate, proxyClientCertificate, servingCertificate } from "./io/identity.ts";
import { locateImages } from "./io/images.ts";
import { machineCapacity } from "./io/machine.ts";
import type { ResolvedOptions } from "./options.ts";
import type { StandIn } from "./stand-in.ts";
import type { TopologyOptions } from "./topology.ts";

const LOOPBACK = "127.0.0.1";
/** Whoever reads etcd reads everything: nobody but those who may do so anyway. */
const ADMINISTRATORS = "system:masters";

export interface ClusterParts {
  readonly options: ResolvedOptions;
  readonly identity: Identity;
  /** Whether the cluster has run before: an empty directory of a member is one that was lost then. */
  readonly established: boolean;
  readonly slot: number;
  readonly standIn: StandIn;
  /** Directories of volumes, beside the actors' own. */
  readonly volumesRoot: string;
  readonly rings: NonNullable<TopologyOptions["rings"]>;
}

export function topologyOf({
  options,
  identity,
  established,
  slot,
  standIn,
  volumesRoot,
  rings,
}: ClusterParts): TopologyOptions {
  const own = addressesOf(slot);
  const addresses = standIn.serviceRange === undefined ? own : { ...own, serviceRange: standIn.serviceRange };
  const kubeletToken = randomBytes(16).toString("hex");
  return {
    masters: options.masters,
    workers: options.workers,
    controllers: options.controllers,
    addresses,
    clusterId: identity.clusterId,
    apiServer: { ...apiServerOf(options, identity, own, standIn), kubeletToken },
    containerRuntime: { pods: options.pods, images: locateImages(options.images) },
    ...(options.nodesPerThread === undefined ? {} : { nodesPerThread: options.nodesPerThread }),
    kubelet: { kubeletToken, volumesRoot, capacity: { ...machineCapacity(), ...options.capacity } },
    etcd: { established },
    ...(standIn.master === undefined ? {} : { masterName: standIn.master.name }),
    ...(options.externalEtcd === undefined ? {} : { externalEtcd: options.externalEtcd }),
    ...(options.etcd === undefined ? {} : { etcdDoor: etcdDoorOf(options.etcd, identity) }),
    heapLimitsMb: options.heapLimitsMb,
    controllerManager: {
      rootCa: identity.authority,
      volumesRoot,
      signing: { certificate: identity.authority, key: identity.authorityKey },
    },
    ...(options.scheduler === undefined ? {} : { scheduler: options.scheduler }),
    rings,
    ...(options.otlp === undefined ? {} : { otlp: options.otlp }),
  };
}

function etcdDoorOf({ port, tls }: NonNullable<ResolvedOptions["etcd"]>, identity: Identity): ListenOptions {
  const place = { host: LOOPBACK, port };
  if (!tls) return place;
  const { certificate: cert, key } = identity.server;
  return { ...place, tls: { ca: identity.authority, cert, key, organization: ADMINISTRATORS } };
}

function apiServerOf(
  options: ResolvedOptions,
  identity: Identity,
  own: Addresses,
  standIn: StandIn,
): Partial<ApiServerOptions> & Pick<ApiServerOptions, "tokens"> {
  const serving = standIn.serving ?? servingCertificate(identity, [apiServiceAddress(own), options.host], wallNowMs());
  return {
    tls: { ca: standIn.clientAuthority ?? identity.authority, cert: serving.certificate, key: serving.key },
    // An authority that is not the cluster's own would not vouch for it.
    ...(standIn.clientAuthority === undefined
      ? {
          proxyClient: proxyClientCertificate(identity, wallNowMs()),
          kubeletClient: kubeletClientCertificate(identity, wallNowMs()),
        }
      : {}),
    tokens: [
      { token: identity.token, user: "kubernetes-admin", groups: ["system:masters"] },
      ...(standIn.tokens ?? []),
    ],
    serviceAccounts: {
      ...SERVICE_ACCOUNT_DEFAULTS,
      signingKey: standIn.signingKey ?? identity.serviceAccountKey,
      ...(standIn.issuer === undefined ? {} : { issuer: standIn.issuer }),
      admission: standIn.serviceAccounts ?? options.controllers,
    },
    tolerationSeconds: options.tolerationSeconds,
    ...(options.audit === undefined ? {} : { audit: options.audit }),
    ...(standIn.initialObjectsAfterMs === undefined ? {} : { initialObjectsAfterMs: standIn.initialObjectsAfterMs }),
  };
}
