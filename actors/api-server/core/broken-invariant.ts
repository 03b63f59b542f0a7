/** What the store, the caches and the writes hold to be true is not. The actor dies of it; all other errors cost one request. */
export class BrokenInvariant extends Error {
  override readonly name = "BrokenInvariant";
}
