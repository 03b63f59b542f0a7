/**
 * What is under way, by an id that only grows. Most of it ends soon, so it is found by its place in a ring of ids, at a
 * tenth of a Map's cost, which hashes and rebuilds itself every few hundred entries; what outlives a turn of the ring is
 * moved to a Map.
 */
export class IdTable<V> {
  private ids: number[] = emptyIds(RING_MIN);
  private ring: (V | undefined)[] = emptyValues(RING_MIN);
  private readonly lasting = new Map<number, V>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  get(id: number): V | undefined {
    const place = id & (this.ids.length - 1);
    return this.ids[place] === id ? this.ring[place] : this.lasting.get(id);
  }

  /** `id` is not in the table. */
  set(id: number, value: V): void {
    let place = id & (this.ids.length - 1);
    while (this.ids[place] !== NONE && this.ids.length < RING_MAX) {
      this.grow();
      place = id & (this.ids.length - 1);
    }
    if (this.ids[place] !== NONE) this.lasting.set(this.ids[place]!, this.ring[place]!);
    this.ids[place] = id;
    this.ring[place] = value;
    this.count++;
  }

  delete(id: number): boolean {
    const place = id & (this.ids.length - 1);
    if (this.ids[place] === id) {
      this.ids[place] = NONE;
      this.ring[place] = undefined;
    } else if (!this.lasting.delete(id)) return false;
    this.count--;
    return true;
  }

  /** A copy of all, smallest id first. */
  entries(): [id: number, value: V][] {
    if (this.count === 0) return [];
    const entries: [number, V][] = [...this.lasting];
    for (const [place, id] of this.ids.entries()) if (id !== NONE) entries.push([id, this.ring[place]!]);
    return entries.sort(([left], [right]) => left - right);
  }

  clear(): void {
    this.ids = emptyIds(RING_MIN);
    this.ring = emptyValues(RING_MIN);
    this.lasting.clear();
    this.count = 0;
  }

  private grow(): void {
    const { ids, ring } = this;
    this.ids = emptyIds(ids.length * 2);
    this.ring = emptyValues(ids.length * 2);
    for (const [from, id] of ids.entries()) {
      if (id === NONE) continue;
      const place = id & (this.ids.length - 1);
      this.ids[place] = id;
      this.ring[place] = ring[from];
    }
  }
}

const NONE = -1;
/** Powers of two. An idle link costs the first, a busy one has seldom more under way than the last. */
const RING_MIN = 8;
const RING_MAX = 1_024;

function emptyIds(length: number): number[] {
  return Array.from({ length }, () => NONE);
}

function emptyValues<V>(length: number): (V | undefined)[] {
  return Array.from({ length }, () => undefined);
}
