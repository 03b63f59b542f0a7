/** Names as a container sees them, laid over Node's own: those of the pod itself, of the cluster's Services, and else the machine's. */
import dns from "node:dns";
import { readFileSync, statSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";
import os from "node:os";
import type { ContainerEnv } from "./channel.ts";

export type NamesEnv = ContainerEnv & { readonly [name: string]: string | undefined };

interface HostsFile {
  readonly names: { readonly [name: string]: readonly string[] | undefined };
  readonly ports: { readonly [address: string]: string | undefined };
  readonly failing?: readonly string[];
  readonly cut?: { readonly [address: string]: readonly string[] | undefined };
  readonly srv?: { readonly [name: string]: readonly { readonly name: string; readonly port: number }[] | undefined };
}

const NO_HOSTS: HostsFile = { names: {}, ports: {} };
const CLUSTER_DOMAIN = ["cluster", "local"];
/** An ExternalName may name another one. */
const ALIASES_MAX = 8;
/** Of cluster DNS. */
const TTL_SECONDS = 5;

/** Names and moved ports of the cluster, read anew when the file has changed. */
export class ClusterNames {
  private readonly env: NamesEnv;
  private readonly own: Readonly<Record<string, readonly string[] | undefined>>;
  private hosts: HostsFile = NO_HOSTS;
  private stamp = "";

  constructor(env: NamesEnv) {
    this.env = env;
    this.own = env.INKUBE_ETC_HOSTS === undefined ? {} : (JSON.parse(env.INKUBE_ETC_HOSTS) as typeof this.own);
  }

  /** As `resolve`, after the names that the pod's own `/etc/hosts` would have. */
  lookup(hostname: string): readonly string[] | string | undefined {
    return this.own[plain(hostname)] ?? (this.isFailing(hostname) ? undefined : this.resolve(hostname));
  }

  /**
   * The addresses of `name`, `name.namespace`, `name.namespace.svc` or `name.namespace.svc.cluster.local`, with or without a
   * dot at the end; another name, of the world outside, for an ExternalName; undefined for what is no name of the cluster.
   */
  resolve(hostname: string): readonly string[] | string | undefined {
    let found = this.find(hostname);
    for (let aliases = 0; aliases < ALIASES_MAX; aliases++) {
      const alias = found?.[0];
      if (alias === undefined || net.isIP(alias) !== 0) return found;
      found = this.find(alias);
      if (found === undefined) return alias;
    }
    return [];
  }

  /** What an ExternalName stands for. */
  alias(hostname: string): string | undefined {
    const [first] = this.find(hostname) ?? [];
    return first === undefined || net.isIP(first) !== 0 ? undefined : first;
  }

  /** Where the ports of `_port._protocol.<Service>` are. */
  services(hostname: string): readonly { readonly name: string; readonly port: number }[] | undefined {
    const { srv = {} } = this.read();
    return this.of(srv, this.labelsOf(hostname));
  }

  /** As `isFailing`, for what the pod's own `/etc/hosts` would not have. */
  lookupFails(hostname: string): boolean {
    return this.own[plain(hostname)] === undefined && this.isFailing(hostname);
  }

  /** Whether cluster DNS does not answer for it: a fault of the plan. */
  isFailing(hostname: string): boolean {
    const { failing } = this.read();
    if (failing === undefined) return false;
    const name = this.labelsOf(hostname).join(".");
    const isWithin = (host: string): boolean =>
      [name, `${name}.${this.namespace}`].some((full) => `.${full}`.endsWith(`.${host}`));
    return failing.some(isWithin);
  }

  /** Whether cluster DNS alone answers for it. */
  isOfCluster(hostname: string): boolean {
    const labels = plain(hostname).split(".");
    return labels.slice(-2).join(".") === CLUSTER_DOMAIN.join(".");
  }

  /** Whether a fault of the plan keeps one pod's address from another's. */
  isCut(from: string, to: string): boolean {
    return this.read().cut?.[from]?.includes(to) === true;
  }

  /** Where `host:port` is really served. */
  moved(host: string, port: number): { readonly host: string; readonly port: number } | undefined {
    const address = this.read().ports[`${host}:${port}`];
    if (address === undefined) return undefined;
    const colon = address.lastIndexOf(":");
    return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
  }

  private find(hostname: string): readonly string[] | undefined {
    const labels = this.labelsOf(hostname);
    const found = this.of(this.read().names, labels);
    if (found !== undefined) return found;
    const isOwn = labels.length === 1 || (labels.length === 2 && labels[1] === this.namespace);
    const variable = `${(labels[0] ?? "").toUpperCase().replaceAll("-", "_")}_SERVICE_HOST`;
    const address = isOwn ? this.env[variable] : undefined;
    return address === undefined || address === "" ? undefined : [address];
  }

  private of<T>(table: { readonly [name: string]: T | undefined }, labels: readonly string[]): T | undefined {
    const name = labels.join(".");
    return table[`${name}.${this.namespace}`] ?? table[name];
  }

  private get namespace(): string {
    return this.env.POD_NAMESPACE ?? "default";
  }

  private labelsOf(hostname: string): readonly string[] {
    const labels = plain(hostname).split(".");
    if (labels.slice(-3).join(".") === ["svc", ...CLUSTER_DOMAIN].join(".")) labels.splice(-3);
    else if (labels.at(-1) === "svc" && labels.length > 2) labels.pop();
    return labels;
  }

  private read(): HostsFile {
    const path = this.env.INKUBE_HOSTS;
    if (path === undefined || path === "") return NO_HOSTS;
    try {
      const { mtimeMs, size, ino } = statSync(path);
      const stamp = `${mtimeMs}/${size}/${ino}`;
      if (stamp !== this.stamp) {
        this.hosts = JSON.parse(readFileSync(path, "utf8")) as HostsFile;
        this.stamp = stamp;
      }
    } catch (error) {
      // It is written when the node's kube-proxy has come up: until then there are the variables.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    return this.hosts;
  }
}

function plain(hostname: string): string {
  return hostname.toLowerCase().replace(/\.$/, "");
}

/** `os.hostname()`, `dns.lookup` and what else of `dns` asks for the names of a cluster. Everything else goes where it went. */
export function installContainerNames(names: ClusterNames, hostname: string | undefined): void {
  patchLookup(names);
  const targets = [dns, dns.Resolver.prototype] as unknown as Table[];
  for (const target of targets) patchResolvers(target, names, false);
  const { promises } = dns;
  for (const target of [promises, promises.Resolver.prototype] as unknown as Table[])
    patchResolvers(target, names, true);
  if (hostname !== undefined && hostname !== "") os.hostname = () => hostname;
  syncBuiltinESMExports();
}

type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  address?: string | readonly dns.LookupAddress[],
  family?: number,
) => void;

function patchLookup(names: ClusterNames): void {
  const lookup = dns.lookup as unknown as (hostname: string, ...rest: unknown[]) => void;
  const answer = (hostname: string): readonly dns.LookupAddress[] | string | undefined => {
    const found = names.lookup(hostname);
    if (found === undefined || typeof found === "string") return found;
    return found.length === 0 ? undefined : found.map((address) => ({ address, family: net.isIP(address) }));
  };
  dns.lookup = function (hostname: string, ...rest: unknown[]): void {
    if (names.lookupFails(hostname)) {
      process.nextTick(() => (rest.at(-1) as LookupCallback)(lookupError(hostname)));
      return;
    }
    const found = answer(hostname);
    if (found === undefined) return lookup(hostname, ...rest);
    if (typeof found === "string") return lookup(found, ...rest);
    const callback = rest.at(-1) as LookupCallback;
    const options = rest.length > 1 ? rest[0] : undefined;
    const [first] = found;
    process.nextTick(() => (wantsAll(options) ? callback(null, found) : callback(null, first?.address, first?.family)));
  } as unknown as typeof dns.lookup;

  const promised = dns.promises.lookup as unknown as (hostname: string, options?: unknown) => Promise<unknown>;
  dns.promises.lookup = function (hostname: string, options?: unknown): Promise<unknown> {
    if (names.lookupFails(hostname)) return Promise.reject(lookupError(hostname));
    const found = answer(hostname);
    if (found === undefined) return promised(hostname, options);
    if (typeof found === "string") return promised(found, options);
    return Promise.resolve(wantsAll(options) ? found : found[0]);
  } as unknown as typeof dns.promises.lookup;
}

function wantsAll(options: unknown): boolean {
  return typeof options === "object" && options !== null && (options as { all?: boolean }).all === true;
}

type Method = (this: unknown, hostname: string, ...rest: unknown[]) => unknown;
type Table = Record<string, Method>;

const RECORD_TYPES: Readonly<Record<string, string>> = {
  resolve4: "A",
  resolve6: "AAAA",
  resolveAny: "ANY",
  resolveCname: "CNAME",
  resolveSrv: "SRV",
  resolveMx: "MX",
  resolveNaptr: "NAPTR",
  resolveNs: "NS",
  resolveSoa: "SOA",
  resolveTxt: "TXT",
  resolveCaa: "CAA",
};

function patchResolvers(target: Table, names: ClusterNames, isPromised: boolean): void {
  for (const method of ["resolve", ...Object.keys(RECORD_TYPES)]) {
    const original = target[method];
    if (original === undefined) continue;
    target[method] = function (hostname, ...rest) {
      const type = RECORD_TYPES[method] ?? (typeof rest[0] === "string" ? rest[0].toUpperCase() : "A");
      const answer = recordsOf(
        names,
        hostname,
        type,
        (rest[0] as { readonly ttl?: boolean } | undefined)?.ttl === true,
      );
      if (answer === undefined) return original.call(this, hostname, ...rest);
      if (isPromised) return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      const callback = rest.at(-1) as (error: Error | null, records?: unknown) => void;
      process.nextTick(() => (answer instanceof Error ? callback(answer) : callback(null, answer)));
      return undefined;
    };
  }
}

/** What cluster DNS answers; undefined where others are to be asked. */
function recordsOf(names: ClusterNames, hostname: string, type: string, ttl: boolean): unknown {
  if (names.isFailing(hostname)) return dnsError("ESERVFAIL", hostname, type);
  const alias = names.alias(hostname);
  if (type === "CNAME" && alias !== undefined) return [alias];
  const services = names.services(hostname);
  if (type === "SRV" && services !== undefined && services.length > 0) {
    const weight = Math.max(1, Math.floor(100 / services.length));
    return services.map(({ name, port }) => ({ name, port, priority: 0, weight }));
  }
  const found = names.resolve(hostname);
  // An alias of the world outside is resolved there.
  if (typeof found === "string") return undefined;
  if (found === undefined && services === undefined) {
    return names.isOfCluster(hostname) ? dnsError("ENOTFOUND", hostname, type) : undefined;
  }
  const family = type === "AAAA" ? 6 : 4;
  const addresses = (found ?? []).filter((address) => net.isIP(address) === family);
  if (addresses.length === 0 || !["A", "AAAA", "ANY"].includes(type)) return dnsError("ENODATA", hostname, type);
  if (type === "ANY") return addresses.map((address) => ({ address, ttl: TTL_SECONDS, type: "A" }));
  return ttl ? addresses.map((address) => ({ address, ttl: TTL_SECONDS })) : [...addresses];
}

/** As getaddrinfo's when no name server answers. */
function lookupError(hostname: string): NodeJS.ErrnoException {
  const code = "EAI_AGAIN";
  return Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), {
    code,
    errno: -3001,
    syscall: "getaddrinfo",
    hostname,
  });
}

function dnsError(code: string, hostname: string, type: string): Error {
  const syscall = `query${type.slice(0, 1)}${type.slice(1).toLowerCase()}`;
  return Object.assign(new Error(`${syscall} ${code} ${hostname}`), { code, errno: undefined, syscall, hostname });
}
