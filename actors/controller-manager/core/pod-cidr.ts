/** Ranges of addresses, one a node, cut from the cluster's. IPv4 only. */

/** Undefined when `range` is none, or when all of its parts are in use. `bits`: the size of a part, as in `/24`. */
export function nextRange(range: string, bits: number, used: ReadonlySet<string>): string | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(range);
  if (match === null) return undefined;
  const [a = 0, b = 0, c = 0, d = 0, size = 32] = match.slice(1).map(Number);
  if (size > bits || bits > 30) return undefined;
  const step = 2 ** (32 - bits);
  const first = Math.floor((a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) / 2 ** (32 - size)) * 2 ** (32 - size);
  for (let index = 0; index < 2 ** (bits - size); index++) {
    const part = `${dotted(first + index * step)}/${bits}`;
    if (!used.has(part)) return part;
  }
  return undefined;
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}
