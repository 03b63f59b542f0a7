/**
 * An object as etcd holds it: its JSON without `resourceVersion`, and the revision that wrote it. The object is made when first
 * asked for, and then shared by all readers of that revision; its bytes are put together for each reader.
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { KeptBytes } from "../../../../protocols/kept-bytes.ts";
import { keepBytes, textOf } from "../../../../protocols/kept-bytes.ts";
import type { ResourceInfo } from "../../../../protocols/kubernetes/resources.ts";

const encoder = new TextEncoder();

/** In place of a revision: what a dry run would have made has none, and no `resourceVersion`. */
export const NOT_STORED = 0;

/** How every stored object of one kind begins, so that `resourceVersion` can be put in without parsing. */
export interface Head {
  readonly kind: string;
  readonly apiVersion: string;
  /** `{"kind":"Pod","apiVersion":"v1","metadata":{` */
  readonly kept: KeptBytes;
}

export function headOf(info: ResourceInfo): Head {
  const apiVersion = info.storageApiVersion ?? info.apiVersion;
  const types = `{"kind":${JSON.stringify(info.kind)},"apiVersion":${JSON.stringify(apiVersion)},`;
  return {
    kind: info.kind,
    apiVersion,
    kept: keepBytes(encoder.encode(`${types}"metadata":{`)),
  };
}

/** The bytes that go to etcd. What belongs to the revision and not to the object is left out. */
export function encodeStored(head: Head, object: KubernetesObject): Uint8Array {
  const {
    metadata,
    apiVersion: _apiVersion,
    kind: _kind,
    ...rest
  } = object as KubernetesObject & {
    readonly [field: string]: unknown;
  };
  const { resourceVersion: _revision, selfLink: _link, ...kept } = metadata ?? {};
  return encoder.encode(JSON.stringify({ kind: head.kind, apiVersion: head.apiVersion, metadata: kept, ...rest }));
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
  private readonly kept: KeptBytes;
  private parsed: KubernetesObject | undefined;
  private isRead = false;

  /** `value`: what etcd has, of which a copy is kept. */
  constructor(head: Head, key: string, revision: number, value: Uint8Array | KeptBytes, object?: KubernetesObject) {
    this.head = head;
    this.key = key;
    this.revision = revision;
    this.kept = typeof value === "string" ? value : keepBytes(value);
    this.parsed = object === undefined ? undefined : withRevision(object, revision);
  }

  /** What it takes in etcd. */
  get sizeBytes(): number {
    return this.kept.length;
  }

  /** Complete, with `resourceVersion`. Shared: never change it. */
  get object(): KubernetesObject {
    this.isRead = true;
    return (this.parsed ??= withRevision(JSON.parse(textOf(this.kept)) as KubernetesObject, this.revision));
  }

  /** Parsed it takes several times what its bytes take; it is parsed again when somebody asks. */
  forgetObject(): void {
    this.parsed = undefined;
  }

  /** Called once a period: of what nobody has read since the last time the parsed form is let go of. */
  age(): void {
    if (!this.isRead) this.parsed = undefined;
    this.isRead = false;
  }

  /** JSON of `object`, made for each who asks. */
  get bytes(): Uint8Array {
    const { start, rest } = this.parts(this.head.kept);
    const bytes = Buffer.allocUnsafe(start.length + rest.length);
    bytes.write(rest, bytes.write(start, "latin1"), "latin1");
    return bytes;
  }

  /** JSON of `object` without kind and apiVersion, as the items of a list are. */
  get item(): JsonParts {
    return this.parts('{"metadata":{');
  }

  /** The state as of another revision: a deletion carries the revision that deleted. */
  at(revision: number): StoredObject {
    if (revision === this.revision) return this;
    return new StoredObject(this.head, this.key, revision, this.kept, this.parsed);
  }

  /** JSON of `object` with `head` in place of the kind's. */
  private parts(head: string): JsonParts {
    const begins = this.head.kept;
    // Not what an API server writes, or without any metadata.
    if (!this.kept.startsWith(begins) || this.kept[begins.length] !== '"') {
      return { start: "", rest: keepBytes(encoder.encode(JSON.stringify(this.object))) };
    }
    const revision = this.revision === NOT_STORED ? "" : `"resourceVersion":"${this.revision}",`;
    return { start: head + revision, rest: this.kept.slice(begins.length) as KeptBytes };
  }
}

function withRevision(object: KubernetesObject, revision: number): KubernetesObject {
  if (revision === NOT_STORED) return object;
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
