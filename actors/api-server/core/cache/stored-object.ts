/**
 * An object as etcd holds it: its JSON without `resourceVersion`, and the revision that wrote it. The object and its bytes
 * for readers are made when first asked for, and then shared by all readers of that revision.
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { ResourceInfo } from "../../../../protocols/kubernetes/resources.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What follows the head in an object with any metadata. */
const QUOTE = 0x22;

/** In place of a revision: what a dry run would have made has none, and no `resourceVersion`. */
export const NOT_STORED = 0;

/** How every stored object of one kind begins, so that `resourceVersion` can be put in without parsing. */
export interface Head {
  readonly kind: string;
  readonly apiVersion: string;
  /** `{"kind":"Pod","apiVersion":"v1","metadata":{` */
  readonly bytes: Uint8Array;
  /** Where the members that list items carry begin: behind the comma after apiVersion. */
  readonly itemOffset: number;
}

export function headOf(info: ResourceInfo): Head {
  const apiVersion = info.storageApiVersion ?? info.apiVersion;
  const types = `{"kind":${JSON.stringify(info.kind)},"apiVersion":${JSON.stringify(apiVersion)},`;
  return {
    kind: info.kind,
    apiVersion,
    bytes: encoder.encode(`${types}"metadata":{`),
    itemOffset: encoder.encode(types).length,
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

export class StoredObject {
  readonly head: Head;
  /** `<namespace>/<name>`, or `<name>` of what is cluster-scoped. */
  readonly key: string;
  readonly revision: number;
  /** Actors that have read it, or are about to: what several read is worth encoding once for all of them. */
  readers = 0;
  /** Either the bytes of etcd, or those for readers, which hold the former: never both. */
  private stored: Uint8Array | undefined;
  private encoded: Uint8Array | undefined;
  private parsed: KubernetesObject | undefined;

  constructor(head: Head, key: string, revision: number, value: Uint8Array, object?: KubernetesObject) {
    this.head = head;
    this.key = key;
    this.revision = revision;
    this.stored = value;
    this.parsed = object === undefined ? undefined : withRevision(object, revision);
  }

  /** As in etcd. */
  get value(): Uint8Array {
    return this.stored ?? this.cut(this.encoded as Uint8Array);
  }

  /** Complete, with `resourceVersion`. Shared: never change it. */
  get object(): KubernetesObject {
    return (this.parsed ??= withRevision(JSON.parse(decoder.decode(this.value)) as KubernetesObject, this.revision));
  }

  /** Parsed it takes several times what its bytes take; it is parsed again when somebody asks. */
  forgetObject(): void {
    this.parsed = undefined;
  }

  /** JSON of `object`. */
  get bytes(): Uint8Array {
    if (this.encoded === undefined) {
      this.encoded = this.splice(this.value);
      this.stored = undefined;
    }
    return this.encoded;
  }

  /** The state as of another revision: a deletion carries the revision that deleted. */
  at(revision: number): StoredObject {
    if (revision === this.revision) return this;
    return new StoredObject(this.head, this.key, revision, this.value, this.parsed);
  }

  private splice(value: Uint8Array): Uint8Array {
    const { head } = this;
    if (!startsWith(value, head.bytes) || value[head.bytes.length] !== QUOTE) {
      return encoder.encode(JSON.stringify(this.object));
    }
    const revision = this.revisionMember();
    const bytes = new Uint8Array(value.length + revision.length);
    bytes.set(head.bytes);
    for (let i = 0; i < revision.length; i++) bytes[head.bytes.length + i] = revision.charCodeAt(i);
    bytes.set(value.subarray(head.bytes.length), head.bytes.length + revision.length);
    return bytes;
  }

  private cut(bytes: Uint8Array): Uint8Array {
    const { head } = this;
    if (!startsWith(bytes, head.bytes))
      return encodeStored(head, JSON.parse(decoder.decode(bytes)) as KubernetesObject);
    const revision = this.revisionMember();
    const value = new Uint8Array(bytes.length - revision.length);
    value.set(head.bytes);
    value.set(bytes.subarray(head.bytes.length + revision.length), head.bytes.length);
    return value;
  }

  private revisionMember(): string {
    return this.revision === NOT_STORED ? "" : `"resourceVersion":"${this.revision}",`;
  }
}

function withRevision(object: KubernetesObject, revision: number): KubernetesObject {
  if (revision === NOT_STORED) return object;
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

export function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  if (bytes.length < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[i] !== prefix[i]) return false;
  return true;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && startsWith(a, b);
}
