/**
 * Where a client may have us speak to in its name. Whoever writes a status says what an address is, so it may be one that only this
 * machine reaches: the metadata service of a cloud, say.
 * Source: apimachinery `util/proxy`, apiserver `util/proxy.IsProxyableIP`.
 */
import { badRequest } from "../machinery/status.ts";
import { parseIp } from "../machinery/validation/ip.ts";

const SPECIAL: readonly (readonly [bits: 32 | 128, value: bigint, prefix: number])[] = [
  // 0.0.0.0/8, 169.254.0.0/16, and from 224.0.0.0 on.
  [32, 0n, 8],
  [32, 0xa9fe_0000n, 16],
  [32, 0xe000_0000n, 3],
  // ::, fe80::/10, ff00::/8.
  [128, 0n, 128],
  [128, 0xfe80n << 112n, 10],
  [128, 0xff00n << 112n, 8],
];

/**
 * An address of a pod or a node. Kubernetes forbids loopback addresses as well: here pods and kubelets have no others. Names are none:
 * they may stand for any address when they are looked up.
 */
export function isProxyable(host: string): boolean {
  const ip = parseIp(host);
  // No pod has an address of IPv4 as one of IPv6; and of zeros in front some make a number of another base.
  if (ip === undefined || ip.mapped || ip.leadingZeros) return false;
  return !SPECIAL.some(([bits, value, prefix]) => {
    if (bits !== ip.bits) return false;
    const shift = BigInt(bits - prefix);
    return ip.value >> shift === value >> shift;
  });
}

/** @throws Status 400, in Kubernetes' words */
export function checkProxyable(host: string): void {
  if (!isProxyable(host)) throw badRequest("address not allowed");
}
