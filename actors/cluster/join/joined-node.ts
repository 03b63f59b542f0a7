/**
 * A node in a process of its own: kubelet, kube-proxy and container runtime on threads as in a cluster, at the API servers of another
 * process or machine. It gets a certificate by a bootstrap token, keeps it, and renews it in time.
 */
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InkubeError } from "../../../protocols/errors.ts";
import type { Node } from "../../../protocols/kubernetes/types/core-v1.ts";
import { actorsOf } from "../../../runtime/supervisor/spec.ts";
import type { SupervisorEvent } from "../../../runtime/supervisor/supervisor.ts";
import { Supervisor } from "../../../runtime/supervisor/supervisor.ts";
import { EmbeddedPeer } from "../../../runtime/threads/embedded-peer.ts";
import { clearTimeout, setTimeout, wallNowMs } from "../../../runtime/threads/machine-clock.ts";
import { ThreadHost } from "../../../runtime/threads/thread-host.ts";
import { Client } from "../../client/client.ts";
import { Informer } from "../../client/informer.ts";
import { nodes } from "../../client/resources.ts";
import { addressesOf, nodeAddress, podRange } from "../addresses.ts";
import { takeSlot } from "../io/address-slot.ts";
import { makeAuthority, makeCertificate } from "../io/certificates.ts";
import type { DataDirectory } from "../io/data-directory.ts";
import { openDataDirectory } from "../io/data-directory.ts";
import { locateImages } from "../io/images.ts";
import { machineCapacity } from "../io/machine.ts";
import { isReadySince } from "../workers.ts";
import type { ClusterInfo } from "./cluster-info.ts";
import { authorityHash } from "./cluster-info.ts";
import { renewalMs, requestCredential } from "./credential.ts";
import { discover } from "./discovery.ts";
import { gatewayNames, nodeTopology } from "./node-topology.ts";
import type { JoinOptions, ResolvedJoin } from "./options.ts";
import { resolveJoin } from "./options.ts";

const BUNDLES = fileURLToPath(new URL(".", import.meta.url));
/** The certificate and its key. */
const CREDENTIAL = "node.pem";
/** Name of this program among the actors; to the API servers it is the node. */
const EMBEDDER = "node";
const CONNECT_TIMEOUT_MS = 10_000;
/** Between tries to renew, while the certificate is still good. */
const RENEW_AGAIN_MS = 60_000;
/** `setTimeout` knows no more; it is looked at again then. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** Kubernetes' own, where the cluster does not say: a node is lost after 40 s. */
const LEASE = { leaseRenewMs: 10_000, leaseDurationSeconds: 40 };
/** Where the proxies of a cluster agree whose a Service is, on loopback: a cluster that is not inkube's has no such addresses of its own. */
const LOCK_RANGE = "127.96.0.0/16";

interface Place {
  readonly nodeIP: string;
  readonly podCIDR: string;
  release(): void;
}

export class JoinedNode implements AsyncDisposable {
  readonly name: string;
  private readonly options: ResolvedJoin;
  private readonly directory: DataDirectory;
  private readonly info: ClusterInfo;
  private readonly place: Place;
  private readonly host: ThreadHost;
  private readonly supervisor: Supervisor;
  private readonly embedder: EmbeddedPeer;
  private readonly listeners = new Set<(event: SupervisorEvent) => void>();
  private renewal: NodeJS.Timeout | undefined;
  private stopping: Promise<void> | undefined;

  /**
   * Resolves when the node is Ready. Errors: INVALID_OPTION, DATA_DIRECTORY_…, CLUSTER_UNREACHABLE, CLUSTER_UNTRUSTED, CERTIFICATE_…,
   * START_TIMEOUT, and what the API server refuses.
   */
  static async join(options: JoinOptions): Promise<JoinedNode> {
    const resolved = resolveJoin(options);
    const directory = openDataDirectory(resolved.dataDir);
    let place: Place | undefined;
    let node: JoinedNode | undefined;
    try {
      const info = await firstKnown(resolved);
      await credentialOf(resolved, directory, info.authority);
      place = await placeOf(resolved, directory);
      node = new JoinedNode(resolved, directory, info, place);
      await node.bringUp();
      return node;
    } catch (error) {
      if (node === undefined) {
        place?.release();
        directory.release();
      } else await node.stop();
      throw error;
    }
  }

  private constructor(options: ResolvedJoin, directory: DataDirectory, info: ClusterInfo, place: Place) {
    this.name = options.nodeName;
    this.options = options;
    this.directory = directory;
    this.info = info;
    this.place = place;
    this.host = new ThreadHost({
      bundles: BUNDLES,
      dataDir: join(directory.path, "actors"),
      fsync: directory.durable,
      onDown: (name, reason, error) => this.supervisor.actorDown(name, reason, error),
    });
    const tree = nodeTopology({
      nodeName: options.nodeName,
      servers: options.servers,
      gateway: { authority: info.authority, credentialFile: join(directory.path, CREDENTIAL) },
      containerRuntime: { pods: options.pods, images: locateImages(options.images) },
      kubelet: {
        ...LEASE,
        ...leaseOf(info),
        podCIDR: place.podCIDR,
        nodeIP: place.nodeIP,
        labels: options.labels,
        capacity: machineCapacity(),
        door: { port: options.kubeletPort, ...servingOf(options, place), clientAuthority: info.authority },
      },
      kubeProxy: {
        // Of a cluster that is not inkube's each node serves all Services for itself.
        clusterId: info.facts?.clusterId ?? `${authorityHash(info.authority).slice(-16)}-${options.nodeName}`,
        serviceRange: info.facts?.serviceRange ?? LOCK_RANGE,
      },
    });
    const actors = actorsOf(tree);
    this.host.plan(actors);
    this.embedder = new EmbeddedPeer(EMBEDDER, this.host, gatewayNames(options.servers));
    const { clock, random } = this.embedder.context;
    this.supervisor = new Supervisor(tree, this.host, {
      clock,
      random,
      externals: [EMBEDDER],
      lives: this.host.lives,
      onEvent: (event) => {
        for (const listener of this.listeners) listener(event);
      },
    });
  }

  /** The node's own address. */
  get address(): string {
    return this.place.nodeIP;
  }

  /** Tells of actors that come up, go down and are restarted. Returns how to stop listening. */
  onEvent(listener: (event: SupervisorEvent) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Ends the node with its containers. To the cluster it is as one that is lost. Safe to call twice. */
  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  private async shutDown(): Promise<void> {
    clearTimeout(this.renewal);
    // The kubelet has the last status of its pods to write.
    const kubelet = `${this.name}/kubelet`;
    if (this.supervisor.status().some(({ name, state }) => name === kubelet && state === "up"))
      await this.supervisor.takeOut(kubelet, { kill: false });
    await this.supervisor.stop();
    await this.host.close();
    this.embedder.close();
    this.place.release();
    this.directory.release();
  }

  private async bringUp(): Promise<void> {
    const startedMs = Math.floor(wallNowMs() / 1_000) * 1_000;
    const { startTimeoutMs, nodeName } = this.options;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const what = `node ${nodeName} was not Ready within ${startTimeoutMs} ms`;
      timer = setTimeout(() => reject(new InkubeError("START_TIMEOUT", `${what}: ${this.missing()}`)), startTimeoutMs);
    });
    const ready = async (): Promise<void> => {
      await this.supervisor.start();
      await this.nodeReady(startedMs);
    };
    try {
      await Promise.race([ready(), late]);
    } finally {
      clearTimeout(timer);
    }
    this.renewInTime();
  }

  private missing(): string {
    const down = this.supervisor.status().filter(({ state }) => state !== "up");
    return down.map(({ name, state }) => `${name} (${state})`).join(", ") || "its kubelet does not report to the API";
  }

  private nodeReady(startedMs: number): Promise<void> {
    const { context } = this.embedder;
    const client = new Client(context, gatewayNames(this.options.servers));
    const informer = new Informer(context, client, nodes, { fieldSelector: `metadata.name=${this.name}` });
    return new Promise((resolve) => {
      informer.onChange(({ object }: { readonly object: Node }) => {
        if (!isReadySince(object, startedMs)) return;
        informer.stop();
        resolve();
      });
      informer.start();
    });
  }

  private renewInTime(): void {
    const credential = this.directory.read(CREDENTIAL) ?? "";
    const atMs = renewalMs(credential, this.name, this.info.authority, wallNowMs()) ?? 0;
    this.renewIn(Math.min(TIMER_MS_MAX, Math.max(0, atMs - wallNowMs())), credential, atMs);
  }

  private renewIn(delayMs: number, credential: string, atMs: number): void {
    this.renewal = setTimeout(() => {
      if (wallNowMs() < atMs) return this.renewInTime();
      void this.renew(credential).then(
        () => this.renewInTime(),
        (error: Error) => {
          if (this.stopping !== undefined) return;
          this.options.onNotice(`the certificate of ${this.name} is not renewed yet: ${error.message}`);
          this.renewIn(RENEW_AGAIN_MS, credential, atMs);
        },
      );
    }, delayMs);
    this.renewal.unref();
  }

  /** Connections are known by the certificate that they began with: they are made anew. */
  private async renew(credential: string): Promise<void> {
    const { servers, nodeName, certificateTimeoutMs } = this.options;
    const { authority } = this.info;
    const fresh = await inTurn(servers, (server) =>
      requestCredential({ server, authority, credential }, nodeName, certificateTimeoutMs),
    );
    if (this.stopping !== undefined) return;
    this.directory.write(CREDENTIAL, fresh);
    this.options.onNotice(`the certificate of ${nodeName} is renewed, and its connections are made anew by it`);
    for (const name of gatewayNames(servers)) await this.supervisor.kill(name).catch(() => undefined);
  }
}

/** Of the first of the servers that answers. Errors: the last one's. */
async function inTurn<T>(servers: readonly string[], ask: (server: string) => Promise<T>): Promise<T> {
  let last: unknown;
  for (const server of servers) {
    try {
      return await ask(server);
    } catch (error) {
      if (!(error instanceof InkubeError) || error.code !== "CLUSTER_UNREACHABLE") throw error;
      last = error;
    }
  }
  throw last;
}

function firstKnown({ servers, trust }: ResolvedJoin): Promise<ClusterInfo> {
  return inTurn(servers, (server) => discover(server, trust));
}

/** Sees to it that the directory holds a certificate of this node that is good for a while. */
async function credentialOf(options: ResolvedJoin, directory: DataDirectory, authority: string): Promise<void> {
  const { servers, nodeName, token, certificateTimeoutMs, onNotice } = options;
  const kept = directory.read(CREDENTIAL);
  if (kept !== undefined && renewalMs(kept, nodeName, authority, wallNowMs()) !== undefined) return;
  if (token === undefined) {
    const what =
      kept === undefined
        ? "there is no certificate of this node"
        : "the certificate there is not this node's, or is over";
    throw new InkubeError("INVALID_OPTION", `token: ${what}; give a bootstrap token ("inkube token create" makes one)`);
  }
  const fresh = await inTurn(servers, (server) =>
    requestCredential({ server, authority, token }, nodeName, certificateTimeoutMs, (name) =>
      onNotice(`waiting for the certificate: "kubectl certificate approve ${name}" if nobody approves it by itself`),
    ),
  );
  directory.write(CREDENTIAL, fresh);
}

/** On loopback each node has addresses of its own, as the nodes of a cluster have; elsewhere the machine has the one that it has. */
async function placeOf(options: ResolvedJoin, directory: DataDirectory): Promise<Place> {
  const ownIP = options.nodeIP ?? (await inTurn(options.servers, localAddress));
  if (!ownIP.startsWith("127.")) return { nodeIP: ownIP, podCIDR: options.podCIDR ?? "", release: () => undefined };
  const slot = await takeSlot(directory);
  const addresses = addressesOf(slot.slot);
  return {
    nodeIP: options.nodeIP ?? nodeAddress(addresses, 0),
    podCIDR: options.podCIDR ?? podRange(addresses, 0),
    release: () => slot.release(),
  };
}

/** By which this machine reaches a server. */
function localAddress(server: string): Promise<string> {
  const { hostname, port } = new URL(server);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: port === "" ? 443 : Number(port), timeout: CONNECT_TIMEOUT_MS });
    socket.on("connect", () => {
      resolve(socket.localAddress ?? "127.0.0.1");
      socket.destroy();
    });
    socket.on("timeout", () => socket.destroy(new Error("no answer in time")));
    socket.on("error", (error) => {
      const message = `no API server answers at ${server} (${error.message})`;
      reject(new InkubeError("CLUSTER_UNREACHABLE", message, { retryable: true, cause: error }));
    });
  });
}

/** Nobody vouches for the kubelet's certificate, as for that of Kubernetes' kubelets by default. */
function servingOf(
  { nodeName }: ResolvedJoin,
  { nodeIP }: Place,
): { readonly certificate: string; readonly key: string } {
  const authority = makeAuthority(`${nodeName}-ca`, wallNowMs());
  return makeCertificate(authority, { commonName: nodeName }, [nodeName, nodeIP], wallNowMs());
}

function leaseOf({ facts }: ClusterInfo): Partial<typeof LEASE> {
  if (facts === undefined) return {};
  const { leaseRenewMs, leaseDurationSeconds } = facts;
  return { leaseRenewMs, leaseDurationSeconds };
}
