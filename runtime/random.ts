/** Random numbers of an actor: seeded in the simulation, from the machine otherwise. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform among the integers from 0 up to, not including, `bound`. */
  below(bound: number): number;
}

/**
 * A stream of random numbers that depends on nothing but `seed` and `label`; streams of one seed with different labels
 * are independent, so a draw added to one shifts no other.
 * Source: sfc32 from PractRand, seeded through FNV-1a and splitmix32.
 */
export class SeededRandom implements Random {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  constructor(seed: number, label: string) {
    let hash = 0x811c9dc5 ^ (seed >>> 0);
    for (let index = 0; index < label.length; index++) {
      hash = Math.imul(hash ^ label.charCodeAt(index), 0x01000193);
    }
    let state = (hash ^ Math.floor(seed / 0x1_0000_0000)) >>> 0;
    const mix = (): number => {
      state = (state + 0x9e3779b9) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      return (mixed ^ (mixed >>> 15)) >>> 0;
    };
    this.a = mix();
    this.b = mix();
    this.c = mix();
    for (let round = 0; round < 12; round++) this.next();
  }

  next(): number {
    const sum = (((this.a + this.b) >>> 0) + this.counter) >>> 0;
    this.counter = (this.counter + 1) >>> 0;
    this.a = (this.b ^ (this.b >>> 9)) >>> 0;
    this.b = (this.c + (this.c << 3)) >>> 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) >>> 0;
    return sum / 0x1_0000_0000;
  }

  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }
}
