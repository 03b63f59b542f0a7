/** Who may talk to whom: a link that one spec names serves both ends. Both hosts keep one. */
export class LinkPairs {
  private readonly peers = new Map<string, Set<string>>();

  add(left: string, right: string): void {
    this.addOneWay(left, right);
    this.addOneWay(right, left);
  }

  has(left: string, right: string): boolean {
    return this.peers.get(left)?.has(right) === true;
  }

  /** Peers of an actor, in the order in which they were named. */
  of(name: string): readonly string[] {
    return [...(this.peers.get(name) ?? [])];
  }

  /** Every actor that is linked with another. */
  get names(): readonly string[] {
    return [...this.peers.keys()];
  }

  /** It is linked with nobody any more. */
  remove(name: string): void {
    for (const peer of this.of(name)) this.peers.get(peer)?.delete(name);
    this.peers.delete(name);
  }

  private addOneWay(from: string, to: string): void {
    const known = this.peers.get(from);
    if (known === undefined) this.peers.set(from, new Set([to]));
    else known.add(to);
  }
}
