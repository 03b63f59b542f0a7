/** Identifiers of an actor: nanoid on threads, the same alphabets from the seed in the simulation. */
export interface Ids {
  /** 21 characters of nanoid's alphabet: incarnations, traces. */
  unique(): string;
  /** A version-4 UUID: `metadata.uid`. */
  uuid(): string;
  /** `length` characters of Kubernetes' name alphabet (no vowels, no look-alikes): `generateName` suffixes. */
  suffix(length: number): string;
}

/** The alphabet of `k8s.io/apimachinery/pkg/util/rand`. */
export const SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
