/**
 * What a controller has asked for and its informer has not shown yet. Until it has, the local copy must not be counted:
 * a pod that was created and not seen would be created again.
 *
 * @see k8s.io/kubernetes/pkg/controller/controller_utils.go
 */
interface Expected {
  /** Creations that the informer has yet to show. */
  creations: number;
  /** Uids whose deletion it has yet to show. */
  readonly deletions: Set<string>;
  setAtMs: number;
}

/** After this long a missed event is assumed, and the local copy trusted again; as in Kubernetes. */
export const EXPECTATIONS_TIMEOUT_MS = 300_000;

export class Expectations {
  private readonly byKey = new Map<string, Expected>();

  expectCreations(key: string, count: number, nowMs: number): void {
    const expected = this.of(key, nowMs);
    expected.creations += count;
    expected.setAtMs = nowMs;
  }

  expectDeletions(key: string, uids: readonly string[], nowMs: number): void {
    const expected = this.of(key, nowMs);
    for (const uid of uids) expected.deletions.add(uid);
    expected.setAtMs = nowMs;
  }

  /** A creation was seen, or failed. */
  created(key: string, count: number = 1): void {
    const expected = this.byKey.get(key);
    if (expected !== undefined) expected.creations = Math.max(0, expected.creations - count);
  }

  /** A deletion was seen (its mark is enough), or failed. */
  deleted(key: string, uid: string): void {
    this.byKey.get(key)?.deletions.delete(uid);
  }

  fulfilled(key: string, nowMs: number): boolean {
    const expected = this.byKey.get(key);
    if (expected === undefined) return true;
    if (expected.creations > 0 || expected.deletions.size > 0)
      return nowMs - expected.setAtMs > EXPECTATIONS_TIMEOUT_MS;
    return true;
  }

  forget(key: string): void {
    this.byKey.delete(key);
  }

  private of(key: string, nowMs: number): Expected {
    let expected = this.byKey.get(key);
    if (expected === undefined || (expected.creations === 0 && expected.deletions.size === 0)) {
      expected = { creations: 0, deletions: new Set(), setAtMs: nowMs };
      this.byKey.set(key, expected);
    }
    return expected;
  }
}
