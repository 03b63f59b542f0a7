/**
 * An object as etcd holds it: its JSON without `resourceVersion`, and the revision that wrote it. The object is made when first
 * asked for, and then shared by all readers of that revision; its bytes are put together for each reader.
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { KeptBytes } from "../../../../protocols/kept-bytes.ts";
import { keepBytes, keepEncoded, textOf } from "../../../../protocols/kept-bytes.ts";
import type { ResourceInfo } from "../../../../protocols/kubernetes/resources.ts";
import { withFields } from "../machinery/json-value.ts";

const encoder = new TextEncoder();

/** In place of a revision: what a dry run would have made has none, and no `resourceVersion`. */
export const NOT_STORED = 0;

/** How every stored object of one kind begins, so that `resourceVersion` can be put in without parsing. */
export interface Head {
  readonly kind: string;
  readonly apiVersion: string;
  /** `{"kind":"Pod","apiVersion":"v1","metadata":{` */
  readonly kept: KeptBytes;
  /**
   * What an object looks like today that was stored under another schema, or in another version: the one at hand when it looks
   * the same.
   */
  readonly read: ((object: KubernetesObject) => KubernetesObject) | undefined;
  /** Objects that were stored in another version stay in it: somebody else converts them. */
  readonly mixed: boolean;
}

export function headOf(info: ResourceInfo, read?: Head["read"], mixed: boolean = false): Head {
  return headIn(info.storageApiVersion ?? info.apiVersion, info, read, mixed);
}

export function headIn(apiVersion: string, info: ResourceInfo, read?: Head["read"], mixed: boolean = false): Head {
  const types = `{"kind":${JSON.stringify(info.kind)},"apiVersion":${JSON.stringify(apiVersion)},`;
  return {
    kind: info.kind,
    apiVersion,
    kept: keepBytes(encoder.encode(`${types}"metadata":{`)),
    read,
    mixed,
  };
}

/** An object as it goes to etcd: its bytes, the same as they are kept, and what they say. */
export interface Written {
  readonly bytes: Uint8Array;
  readonly kept: KeptBytes;
  readonly object: KubernetesObject;
}

export function writtenOf(head: Head, object: KubernetesObject): Written {
  const text = storedText(head, object);
  const bytes = encoder.encode(text);
  return { bytes, kept: keepEncoded(text, bytes), object };
}

/** The bytes that go to etcd. */
export function encodeStored(head: Head, object: KubernetesObject): Uint8Array {
  return encoder.encode(storedText(head, object));
}

/** What belongs to the revision and not to the object is left out. */
function storedText(head: Head, object: KubernetesObject): string {
  const {
    metadata,
    apiVersion: _apiVersion,
    kind: _kind,
    ...rest
  } = object as KubernetesObject & {
    readonly [field: string]: unknown;
  };
  const { resourceVersion: _revision, selfLink: _link, ...kept } = metadata ?? {};
  return JSON.stringify({ kind: head.kind, apiVersion: head.apiVersion, metadata: kept, ...rest });
}

/** JSON in two parts, the second of which is most of it and is not copied. */
export interface JsonParts {
  readonly start: string;
  readonly rest: KeptBytes;
}

export class StoredObject {
  readonly head: Head;
  /** `<namespace>/<name>`, or `<name>` of what is cluster-scoped. */
  readonly key: string;
  readonly revision: number;
  /** Actors that have read it, or are about to: what several read is worth encoding once for all of them. */
  readers = 0;
  /** As in etcd. */
  readonly kept: KeptBytes;
  private parsed: KubernetesObject | undefined;
  /** What `parsed` is made of, where whoever wrote it has it still: it knows of no revision. */
  private written: KubernetesObject | undefined;
  private isRead = false;
  /** Whether it is read just as it is stored; undefined before anybody has read it. */
  private asStored: boolean | undefined;
  /** The same revision in other versions of its kind, as a webhook has made them, by apiVersion. */
  private forms: Map<string, StoredObject> | undefined;
  /** Whether it is such a form: not what is stored. */
  isForm = false;

  /** `value`: what etcd has, of which a copy is kept. */
  constructor(head: Head, key: string, revision: number, value: Uint8Array | KeptBytes, object?: KubernetesObject) {
    this.head = head;
    this.key = key;
    this.revision = revision;
    this.kept = typeof value === "string" ? value : keepBytes(value);
    this.written = object;
    if (object !== undefined || head.read === undefined) this.asStored = this.kept.startsWith(head.kept);
  }

  /** What it takes in etcd. */
  get sizeBytes(): number {
    return this.kept.length;
  }

  /** About what it takes as JSON. */
  get servedSizeBytes(): number {
    return this.isCurrent ? this.kept.length : JSON.stringify(this.object).length;
  }

  /** Complete, with `resourceVersion`. Shared: never change it. */
  get object(): KubernetesObject {
    this.isRead = true;
    return (this.parsed ??= this.written === undefined ? this.parse() : withRevision(this.written, this.revision));
  }

  /** Whether it is stored as it would be written now. */
  get isCurrent(): boolean {
    if (this.asStored === undefined) this.parsed = this.parse();
    return this.asStored === true;
  }

  /** Parsed it takes several times what its bytes take; it is parsed again when somebody asks. */
  forgetObject(): void {
    this.parsed = undefined;
    this.written = undefined;
    this.forms = undefined;
  }

  /** While nobody reads it, its bytes are enough. */
  forgetUnread(): void {
    if (!this.isRead) this.forgetObject();
  }

  /** Called once a period: of what nobody has read since the last time the parsed form is let go of. */
  age(): void {
    this.forgetUnread();
    this.isRead = false;
    for (const form of this.forms?.values() ?? []) form.age();
  }

  form(apiVersion: string): StoredObject | undefined {
    this.isRead = true;
    return this.forms?.get(apiVersion);
  }

  keepForm(form: StoredObject): void {
    (this.forms ??= new Map()).set(form.head.apiVersion, form);
  }

  /**
   * The same revision under the head of another version.
   * @param object what a webhook has made of it; undefined: it was stored in that version
   */
  inForm(head: Head, object: KubernetesObject | undefined): StoredObject {
    const value = object === undefined ? this.kept : encodeStored(head, object);
    const form = new StoredObject(head, this.key, this.revision, value, object);
    form.isForm = true;
    return form;
  }

  /** JSON of `object`, made for each who asks. */
  get json(): KeptBytes {
    const { start, rest } = this.parts(this.head.kept);
    return (start + rest) as KeptBytes;
  }

  /** JSON of `object` as an item of a list: without kind and apiVersion, unless it is to be `typed`. */
  item(typed: boolean): JsonParts {
    return this.parts(typed ? this.head.kept : '{"metadata":{');
  }

  /** The state as of another revision: a deletion carries the revision that deleted. */
  at(revision: number): StoredObject {
    if (revision === this.revision) return this;
    const moved = new StoredObject(this.head, this.key, revision, this.kept, this.parsed ?? this.written);
    moved.asStored = this.asStored;
    moved.isForm = this.isForm;
    for (const form of this.forms?.values() ?? []) moved.keepForm(form.at(revision));
    return moved;
  }

  /** One that was stored in another version of a custom resource is read as if it were of this one, unless a webhook converts. */
  private parse(): KubernetesObject {
    const object = JSON.parse(textOf(this.kept)) as KubernetesObject;
    const { apiVersion, read, kept, mixed } = this.head;
    const known = read === undefined ? object : read(object);
    const today = mixed || known.apiVersion === apiVersion ? known : { ...known, apiVersion };
    this.asStored = today === object && this.kept.startsWith(kept);
    return withRevision(today, this.revision);
  }

  /** JSON of `object` with `head` in place of the kind's. */
  private parts(head: string): JsonParts {
    const begins = this.head.kept;
    // Read otherwise than it is stored, not what an API server writes, or without any metadata.
    if (!this.isCurrent || this.kept[begins.length] !== '"') {
      return { start: "", rest: keepBytes(encoder.encode(JSON.stringify(this.object))) };
    }
    const revision = this.revision === NOT_STORED ? "" : `"resourceVersion":"${this.revision}",`;
    return { start: head + revision, rest: this.kept.slice(begins.length) as KeptBytes };
  }
}

function withRevision(object: KubernetesObject, revision: number): KubernetesObject {
  if (revision === NOT_STORED) return object;
  return { ...object, metadata: withFields(object.metadata ?? {}, { resourceVersion: String(revision) }) };
}
