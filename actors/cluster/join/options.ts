/** What a node that joins is asked to be, and the check of it. Errors name the option. */
import { isIPv4 } from "node:net";
import type { ImageOptions } from "../options.ts";
import { checkImages, invalidOption } from "../options.ts";
import type { Trust } from "./discovery.ts";

export interface JoinOptions {
  /** Addresses of API servers, the preferred one first: `https://host:port`. Inkube's or any other's. */
  readonly servers: readonly string[];
  /** A bootstrap token. Not needed where the data directory holds a certificate of this node. */
  readonly token?: string;
  /** Hash of the key of the cluster's authority (`sha256:…`), or its certificate, PEM. */
  readonly authority: { readonly hash: string } | { readonly certificate: string };
  /** A DNS name, unique in the cluster. */
  readonly nodeName: string;
  /** Address of this machine that the node has. Default: the one by which it reaches the API server. */
  readonly nodeIP?: string;
  /** Addresses for pods: such as this machine can bind. Default: on loopback some of its own, else pods share the node's address. */
  readonly podCIDR?: string;
  /** Of the kubelet's HTTPS. Default 10250; 0: any free one. */
  readonly kubeletPort?: number;
  readonly images?: Readonly<Record<string, ImageOptions>>;
  readonly pods?: "real" | "simulated";
  readonly labels?: Readonly<Record<string, string>>;
  /** Where the node's certificate and its containers are kept. Absent: nothing is kept. */
  readonly dataDir?: string;
  /** How long a certificate may be waited for. Default 60,000. */
  readonly certificateTimeoutMs?: number;
  /** How long the node may take to be Ready. Default 60,000. */
  readonly startTimeoutMs?: number;
  /** Told what a person should know meanwhile. */
  readonly onNotice?: (line: string) => void;
}

export interface ResolvedJoin extends Required<
  Omit<JoinOptions, "token" | "authority" | "nodeIP" | "podCIDR" | "dataDir">
> {
  readonly token: string | undefined;
  readonly trust: Trust;
  readonly nodeIP: string | undefined;
  readonly podCIDR: string | undefined;
  readonly dataDir: string | undefined;
}

const KUBELET_PORT = 10_250;
const TIMEOUT_MS = 60_000;
const DNS_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const EMBEDDED_NAME = /^worker-\d+$/;
const CIDR = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/;

/** Errors: INVALID_OPTION. */
export function resolveJoin(options: JoinOptions): ResolvedJoin {
  const { nodeName, token, authority, nodeIP, podCIDR } = options;
  if (options.servers.length === 0) throw invalidOption("servers", "name at least one, as https://192.0.2.7:6443");
  const servers = options.servers.map(serverUrl);
  if (nodeName.length > 253 || !DNS_NAME.test(nodeName))
    throw invalidOption("nodeName", `"${nodeName}" is no DNS name`);
  if (EMBEDDED_NAME.test(nodeName))
    throw invalidOption(
      "nodeName",
      `an inkube cluster calls its own nodes "${nodeName}" and the like; take another name`,
    );
  if (token !== undefined && !/^[a-z0-9]{6}\.[a-z0-9]{16}$/.test(token))
    throw invalidOption("token", 'must be a bootstrap token, as "abcdef.0123456789abcdef"');
  if ("hash" in authority && !/^sha256:[0-9a-f]{64}$/.test(authority.hash))
    throw invalidOption("authority.hash", `must be "sha256:" and 64 hexadecimal digits, not "${authority.hash}"`);
  if (nodeIP !== undefined && (!isIPv4(nodeIP) || nodeIP === "0.0.0.0"))
    throw invalidOption("nodeIP", `must be an IPv4 address of this machine, not "${nodeIP}"`);
  if (podCIDR !== undefined && !isRange(podCIDR))
    throw invalidOption("podCIDR", `must be a range of IPv4 addresses, as 10.244.1.0/24, not "${podCIDR}"`);
  return {
    servers,
    token,
    trust: "hash" in authority ? { hash: authority.hash } : { authority: authority.certificate },
    nodeName,
    nodeIP,
    podCIDR,
    kubeletPort: options.kubeletPort ?? KUBELET_PORT,
    images: checkImages(options.images ?? {}),
    pods: options.pods ?? "real",
    labels: options.labels ?? {},
    dataDir: options.dataDir,
    certificateTimeoutMs: options.certificateTimeoutMs ?? TIMEOUT_MS,
    startTimeoutMs: options.startTimeoutMs ?? TIMEOUT_MS,
    onNotice: options.onNotice ?? (() => undefined),
  };
}

function serverUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "https:" && url.pathname === "/" && url.search === "") return url.origin;
  throw invalidOption("servers", `must be addresses of API servers, as https://192.0.2.7:6443, not "${text}"`);
}

function isRange(text: string): boolean {
  const [, address = "", bits] = CIDR.exec(text) ?? [];
  return isIPv4(address) && Number(bits) >= 8 && Number(bits) <= 30;
}
