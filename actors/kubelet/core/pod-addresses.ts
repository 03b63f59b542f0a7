/** Addresses of a node's pods: the next free one of the node's range, going round, so that a freed one rests a while. */
export class PodAddresses {
  private readonly base: number;
  private readonly size: number;
  private readonly taken = new Set<number>();
  private next = 1;

  /** `cidr` as `127.64.3.0/24`; empty: there are none to give. */
  constructor(cidr: string) {
    if (cidr === "") {
      this.size = 0;
      this.base = 0;
      return;
    }
    const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr);
    const bits = Number(match?.[5]);
    if (match === null || !(bits >= 8 && bits <= 30)) throw new Error(`${cidr} is no range of IPv4 addresses for pods`);
    const address = match.slice(1, 5).reduce((sum, byte) => sum * 256 + Number(byte), 0);
    this.size = 2 ** (32 - bits);
    this.base = Math.floor(address / this.size) * this.size;
  }

  /** Addresses in use. */
  get inUse(): number {
    return this.taken.size;
  }

  /** Undefined when all are taken. The first and the last of the range are never given. */
  allocate(): string | undefined {
    for (let tries = 0; tries < this.size - 2; tries++) {
      const offset = this.next;
      this.next = this.next >= this.size - 2 ? 1 : this.next + 1;
      if (this.taken.has(offset)) continue;
      this.taken.add(offset);
      return this.format(offset);
    }
    return undefined;
  }

  /** Takes one that is in use already. One of another range is none of ours. */
  reserve(ip: string): void {
    const offset = this.offsetOf(ip);
    if (offset !== undefined) this.taken.add(offset);
  }

  release(ip: string): void {
    const offset = this.offsetOf(ip);
    if (offset !== undefined) this.taken.delete(offset);
  }

  private offsetOf(ip: string): number | undefined {
    const offset = ip.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0) - this.base;
    return offset > 0 && offset < this.size ? offset : undefined;
  }

  private format(offset: number): string {
    const address = this.base + offset;
    return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
  }
}
