/**
 * What the segments of objects tell, as the changes of a record. Which object was written when is known from the heads of the changes;
 * what it was is unpacked when somebody looks at it.
 */
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { RESOURCES } from "../../../protocols/kubernetes/resources.ts";
import type { ObjectChange } from "./record.ts";
import { REMOVED, readHeads, unpackedHeads } from "./segments/changes.ts";
import type { ChangeBatch } from "./segments/format.ts";

/** `bytes`: how many there will be, or a few more. */
export type Unpack = (packed: Uint8Array, bytes: number) => Uint8Array;

/**
 * By revision, the oldest base first. A later base says again what is known, but for what was written while nobody kept it: of that it
 * tells what stands after it.
 * @param batches of all segments, the oldest first
 */
export function changesIn(batches: readonly ChangeBatch[], unpack: Unpack): readonly ObjectChange[] {
  const values = new Values(unpack);
  const history = new History();
  let base: KeptChange[] = [];
  let baseRevision = 0;
  for (const batch of batches) {
    switch (batch.part) {
      case "change":
        // What it comes after is not known before the first whole base.
        base = [];
        if (history.hasBegun) history.add(values.changesIn(batch));
        break;
      case "base":
        // Of another one that was not told whole.
        if (batch.lastRevision !== baseRevision) base = [];
        baseRevision = batch.lastRevision;
        for (const change of values.changesIn(batch)) base.push(change);
        break;
      case "base-end":
        if (base.length === batch.count) history.stand(base, batch.lastRevision);
        base = [];
        break;
    }
  }
  return history.changes.filter(({ subject }) => subject !== NO_SUBJECT);
}

/** Of what is unpacked so much is held: who looks at objects in the order in which they were written unpacks each batch once. */
const UNPACKED_BYTES_MAX = 16 * 1_048_576;
const NO_SUBJECT = "";

/** Where the changes of batches, and the objects in them, are read. */
class Values {
  private readonly unpack: Unpack;
  private readonly held = new Map<ChangeBatch, Uint8Array>();
  private heldBytes = 0;
  /** By key of the store. */
  private readonly subjects = new Map<string, string>();

  constructor(unpack: Unpack) {
    this.unpack = unpack;
  }

  changesIn(batch: ChangeBatch): readonly KeptChange[] {
    const { heads, count } = batch;
    const changes: KeptChange[] = [];
    if (count === 0) return changes;
    const content = heads === undefined ? this.unpacked(batch) : unpackedHeads(heads, count, this.unpack);
    readHeads(content, heads === undefined, (revision, key, at, bytes) => {
      changes.push(new KeptChange(revision, key, this.subjectOf(key), this, batch, at, bytes));
    });
    return changes;
  }

  textAt(batch: ChangeBatch, at: number, bytes: number): string {
    const { buffer, byteOffset } = this.unpacked(batch);
    return Buffer.from(buffer, byteOffset + at, bytes).toString("utf8");
  }

  private subjectOf(key: string): string {
    let subject = this.subjects.get(key);
    if (subject === undefined) this.subjects.set(key, (subject = subjectOf(key)));
    return subject;
  }

  private unpacked(batch: ChangeBatch): Uint8Array {
    const known = this.held.get(batch);
    if (known !== undefined) return known;
    const content = this.unpack(batch.packed, batch.bytes);
    this.held.set(batch, content);
    this.heldBytes += content.length;
    for (const [oldest, { length }] of this.held) {
      if (this.heldBytes <= UNPACKED_BYTES_MAX || oldest === batch) break;
      this.held.delete(oldest);
      this.heldBytes -= length;
    }
    return content;
  }
}

/** Its object is read when it is asked for: most never are. One object each: a record has a hundred thousand. */
class KeptChange implements ObjectChange {
  readonly revision: number;
  readonly key: string;
  readonly subject: string;
  private readonly values: Values;
  private readonly batch: ChangeBatch | undefined;
  private readonly at: number;
  private readonly bytes: number;
  private read: KubernetesObject | undefined;

  constructor(
    revision: number,
    key: string,
    subject: string,
    values: Values,
    batch: ChangeBatch | undefined,
    at: number,
    bytes: number,
  ) {
    this.revision = revision;
    this.key = key;
    this.subject = subject;
    this.values = values;
    this.batch = batch;
    this.at = at;
    this.bytes = bytes;
    this.read = undefined;
  }

  get isRemoved(): boolean {
    return this.bytes === REMOVED;
  }

  get json(): string | undefined {
    return this.batch === undefined || this.isRemoved ? undefined : this.values.textAt(this.batch, this.at, this.bytes);
  }

  get object(): KubernetesObject | undefined {
    if (this.read !== undefined) return this.read;
    const { json } = this;
    return json === undefined ? undefined : (this.read = JSON.parse(json) as KubernetesObject);
  }

  /** Nobody was told when it went: it did by that revision. */
  goneAt(revision: number): KeptChange {
    return new KeptChange(revision, this.key, this.subject, this.values, undefined, 0, REMOVED);
  }

  toJSON(): ObjectChange {
    const { revision, subject, object } = this;
    return { revision, subject, object };
  }
}

class History {
  changes: KeptChange[] = [];
  hasBegun = false;
  private revision = 0;
  /** What stands now, by key. */
  private readonly standing = new Map<string, KeptChange>();

  add(changes: readonly KeptChange[]): void {
    for (const change of changes) {
      if (change.revision < this.revision) continue;
      this.revision = change.revision;
      if (change.isRemoved) this.standing.delete(change.key);
      else if (this.standing.get(change.key)?.revision === change.revision) continue;
      else this.standing.set(change.key, change);
      this.changes.push(change);
    }
  }

  stand(base: readonly KeptChange[], revision: number): void {
    // The store has been set up anew.
    if (revision < this.revision) this.clear();
    const stands = new Set(base.map(({ key }) => key));
    const gone = [...this.standing.values()].filter(({ key }) => !stands.has(key));
    const missed = base.filter(({ key, revision: at }) => this.standing.get(key)?.revision !== at);
    missed.sort((left, right) => left.revision - right.revision);
    for (const change of missed) {
      this.standing.set(change.key, change);
      this.changes.push(change);
    }
    for (const change of gone) {
      this.standing.delete(change.key);
      this.changes.push(change.goneAt(revision));
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

const BUILT_IN = new Map(
  RESOURCES.flatMap(({ storagePrefix, resource }) => (storagePrefix === undefined ? [] : [[storagePrefix, resource]])),
);
const CUSTOM = /^\/registry\/[^/]+\.[^/]+\/([^/]+)\/(.+)$/;

/** As events name an object; `NO_SUBJECT` for a key that is none's. */
function subjectOf(key: string): string {
  // The longest prefix first: `/registry/services/specs` has two parts.
  for (const parts of [4, 3]) {
    const at = placeOfSlash(key, parts);
    const resource = at < 0 ? undefined : BUILT_IN.get(key.slice(0, at));
    if (resource !== undefined) return `${resource}/${key.slice(at + 1)}`;
  }
  const [, plural, rest] = CUSTOM.exec(key) ?? [];
  return plural === undefined ? NO_SUBJECT : `${plural}/${rest}`;
}

function placeOfSlash(text: string, nth: number): number {
  let at = -1;
  for (let count = 0; count < nth; count++) {
    at = text.indexOf("/", at + 1);
    if (at < 0) return -1;
  }
  return at;
}
