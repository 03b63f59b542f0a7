/** What the segments of objects tell, as the changes of a record. */
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { RESOURCES } from "../../../protocols/kubernetes/resources.ts";
import type { ObjectChange } from "./record.ts";
import type { StoredChange } from "./segments/changes.ts";
import { decodeChanges } from "./segments/changes.ts";
import type { ChangeBatch } from "./segments/format.ts";

export type Unpack = (packed: Uint8Array) => Uint8Array;

/**
 * By revision, the oldest base first. A later base says again what is known, but for what was written while nobody kept it: of that it
 * tells what stands after it.
 * @param batches of all segments, the oldest first
 */
export function changesIn(batches: readonly ChangeBatch[], unpack: Unpack): readonly ObjectChange[] {
  const history = new History();
  let base: StoredChange[] = [];
  let baseRevision = 0;
  for (const batch of batches) {
    switch (batch.part) {
      case "change":
        // What it comes after is not known before the first whole base.
        base = [];
        if (history.hasBegun) history.add(decodeChanges(unpack(batch.packed)));
        break;
      case "base":
        // Of another one that was not told whole.
        if (batch.lastRevision !== baseRevision) base = [];
        baseRevision = batch.lastRevision;
        base.push(...decodeChanges(unpack(batch.packed)));
        break;
      case "base-end":
        if (base.length === batch.count) history.stand(base, batch.lastRevision);
        base = [];
        break;
    }
  }
  return history.changes.flatMap((change) => {
    const subject = subjectOf(change.key);
    return subject === undefined ? [] : [new StoredObjectChange(change, subject)];
  });
}

class History {
  changes: StoredChange[] = [];
  hasBegun = false;
  private revision = 0;
  /** Of what stands now: the revision of each key. */
  private readonly standing = new Map<string, number>();

  add(changes: readonly StoredChange[]): void {
    for (const change of changes) {
      if (change.revision < this.revision) continue;
      this.revision = change.revision;
      if (change.value === undefined) this.standing.delete(change.key);
      else if (this.standing.get(change.key) === change.revision) continue;
      else this.standing.set(change.key, change.revision);
      this.changes.push(change);
    }
  }

  stand(base: readonly StoredChange[], revision: number): void {
    // The store has been set up anew.
    if (revision < this.revision) this.clear();
    const stands = new Set(base.map(({ key }) => key));
    const gone = [...this.standing.keys()].filter((key) => !stands.has(key));
    const missed = base.filter(({ key, revision: at }) => this.standing.get(key) !== at);
    missed.sort((left, right) => left.revision - right.revision);
    for (const change of missed) this.standing.set(change.key, change.revision);
    this.changes.push(...missed);
    for (const key of gone) {
      this.standing.delete(key);
      this.changes.push({ revision, key, value: undefined });
    }
    this.revision = revision;
    this.hasBegun = true;
  }

  private clear(): void {
    this.changes = [];
    this.standing.clear();
    this.revision = 0;
  }
}

/** Its object is read when it is asked for: most never are. */
class StoredObjectChange implements ObjectChange {
  readonly revision: number;
  readonly subject: string;
  private readonly value: Uint8Array | undefined;
  private read: KubernetesObject | undefined;

  constructor({ revision, value }: StoredChange, subject: string) {
    this.revision = revision;
    this.subject = subject;
    this.value = value;
  }

  get object(): KubernetesObject | undefined {
    const { value } = this;
    if (value === undefined) return undefined;
    const text = (): string => Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("utf8");
    return (this.read ??= JSON.parse(text()) as KubernetesObject);
  }

  toJSON(): ObjectChange {
    const { revision, subject, object } = this;
    return { revision, subject, object };
  }
}

const BUILT_IN = new Map(
  RESOURCES.flatMap(({ storagePrefix, resource }) => (storagePrefix === undefined ? [] : [[storagePrefix, resource]])),
);
const CUSTOM = /^\/registry\/[^/]+\.[^/]+\/([^/]+)\/(.+)$/;

/** As events name an object; undefined for a key that is none's. */
function subjectOf(key: string): string | undefined {
  // The longest prefix first: `/registry/services/specs` has two parts.
  for (const parts of [4, 3]) {
    const at = placeOfSlash(key, parts);
    const resource = at < 0 ? undefined : BUILT_IN.get(key.slice(0, at));
    if (resource !== undefined) return `${resource}/${key.slice(at + 1)}`;
  }
  const [, plural, rest] = CUSTOM.exec(key) ?? [];
  return plural === undefined ? undefined : `${plural}/${rest}`;
}

function placeOfSlash(text: string, nth: number): number {
  let at = -1;
  for (let count = 0; count < nth; count++) {
    at = text.indexOf("/", at + 1);
    if (at < 0) return -1;
  }
  return at;
}
