/**
 * Copies what one etcd cluster holds into another, over etcd's own API: from inkube's group to a real one, and back. Keys, values and
 * leases, with what is left of their time, are the same there; revisions begin anew, so whoever follows the store has to list it again.
 */
import { InkubeError } from "../../../protocols/errors.ts";
import type { KeyValue } from "../../../protocols/etcd-wire/messages.ts";
import { grpcTransport } from "../../etcd-gateway/io/grpc-transport.ts";
import type { EtcdGatewayOptions } from "../../etcd-gateway/spec.ts";
import type { Transport } from "../../etcd-gateway/transport.ts";

const PAGE = 1_000;
/** etcd's limits of a transaction: 128 operations, and 1.5 MiB, of which one value may be nearly all. */
const OPS_MAX = 128;
const BYTES_MAX = 1_000_000;
const TIMEOUT_MS = 30_000;
const ALL = Uint8Array.of(0);

export interface Copied {
  readonly keys: number;
  /** Of the source: what was written later is not there. */
  readonly revision: number;
}

/** Errors: ETCD_NOT_EMPTY, and what an etcd answers. */
export async function copyEtcd(from: EtcdGatewayOptions, to: EtcdGatewayOptions): Promise<Copied> {
  const [source, target] = [grpcTransport(from), grpcTransport(to)];
  try {
    const there = await range(target, { countOnly: true });
    if (there.count > 0) {
      const what = `${to.endpoint} holds ${there.count} keys already`;
      throw new InkubeError("ETCD_NOT_EMPTY", `${what}: a copy goes into an etcd without any`);
    }
    return await copyAll(source, target);
  } finally {
    source.close();
    target.close();
  }
}

async function copyAll(source: Transport, target: Transport): Promise<Copied> {
  const leases = new Map<string, string>();
  let revision = 0;
  let keys = 0;
  let key = ALL;
  for (;;) {
    const page = await range(source, { key, limit: PAGE, revision });
    // All pages are of the moment of the first one.
    if (revision === 0) revision = page.header?.revision ?? 0;
    for (const part of parts(page.kvs)) {
      for (const { lease } of part) {
        if (lease !== "0" && !leases.has(lease)) leases.set(lease, await leaseLike(lease, source, target));
      }
      await write(part, leases, target);
      keys += part.length;
    }
    const last = page.kvs.at(-1);
    if (!page.more || last === undefined) return { keys, revision };
    key = Uint8Array.of(...last.key, 0);
  }
}

interface Asked {
  readonly key?: Uint8Array;
  readonly limit?: number;
  readonly revision?: number;
  readonly countOnly?: boolean;
}

function range(transport: Transport, asked: Asked): ReturnType<typeof transport.call<"/etcdserverpb.KV/Range">> {
  return transport.call("/etcdserverpb.KV/Range", { key: ALL, rangeEnd: ALL, ...asked }, { timeoutMs: TIMEOUT_MS });
}

/** What goes into one transaction each. */
function* parts(kvs: readonly KeyValue[]): Generator<readonly KeyValue[]> {
  let part: KeyValue[] = [];
  let bytes = 0;
  for (const kv of kvs) {
    const more = kv.key.length + kv.value.length;
    if (part.length > 0 && (part.length >= OPS_MAX || bytes + more > BYTES_MAX)) {
      yield part;
      [part, bytes] = [[], 0];
    }
    part.push(kv);
    bytes += more;
  }
  if (part.length > 0) yield part;
}

/** "0" for one that has ended meanwhile, with its keys. */
async function leaseLike(id: string, source: Transport, target: Transport): Promise<string> {
  const limits = { timeoutMs: TIMEOUT_MS };
  const { ttl } = await source.call("/etcdserverpb.Lease/LeaseTimeToLive", { id }, limits);
  if (ttl <= 0) return "0";
  return (await target.call("/etcdserverpb.Lease/LeaseGrant", { ttl, id: "0" }, limits)).id;
}

async function write(part: readonly KeyValue[], leases: ReadonlyMap<string, string>, target: Transport): Promise<void> {
  const living = part.filter(({ lease }) => lease === "0" || leases.get(lease) !== "0");
  const success = living.map(({ key, value, lease }) => ({
    requestPut: { key, value, lease: leases.get(lease) ?? "0" },
  }));
  await target.call("/etcdserverpb.KV/Txn", { success }, { timeoutMs: TIMEOUT_MS });
}
