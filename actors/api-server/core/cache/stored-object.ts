/**
 * An object as etcd holds it: its JSON without `resourceVersion`, and the revision that wrote it. The object and its bytes
 * for readers are made when first asked for, and then shared by all readers of that revision.
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { ResourceInfo } from "../../../../protocols/kubernetes/resources.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

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
  const { resourceVersion: _revision, selfLink: _link, managedFields: _managed, ...kept } = metadata ?? {};
  return encoder.encode(JSON.stringify({ kind: head.kind, apiVersion: head.apiVersion, metadata: kept, ...rest }));
}

export class StoredObject {
  readonly head: Head;
  /** `<namespace>/<name>`, or `<name>` of what is cluster-scoped. */
  readonly key: string;
  readonly revision: number;
  /** As in etcd. */
  readonly value: Uint8Array;
  private parsed: KubernetesObject | undefined;
  private encoded: Uint8Array | undefined;

  constructor(head: Head, key: string, revision: number, value: Uint8Array, object?: KubernetesObject) {
    this.head = head;
    this.key = key;
    this.revision = revision;
    this.value = value;
    this.parsed = object === undefined ? undefined : withRevision(object, revision);
  }

  /** Complete, with `resourceVersion`. Shared: never change it. */
  get object(): KubernetesObject {
    return (this.parsed ??= withRevision(JSON.parse(decoder.decode(this.value)) as KubernetesObject, this.revision));
  }

  /** JSON of `object`. */
  get bytes(): Uint8Array {
    return (this.encoded ??= this.splice());
  }

  /** The state as of another revision: a deletion carries the revision that deleted. */
  at(revision: number): StoredObject {
    if (revision === this.revision) return this;
    return new StoredObject(this.head, this.key, revision, this.value, this.parsed);
  }

  private splice(): Uint8Array {
    const { head, value } = this;
    if (!startsWith(value, head.bytes)) return encoder.encode(JSON.stringify(this.object));
    const revision = `"resourceVersion":"${this.revision}",`;
    const bytes = new Uint8Array(value.length + revision.length);
    bytes.set(head.bytes);
    for (let i = 0; i < revision.length; i++) bytes[head.bytes.length + i] = revision.charCodeAt(i);
    bytes.set(value.subarray(head.bytes.length), head.bytes.length + revision.length);
    return bytes;
  }
}

function withRevision(object: KubernetesObject, revision: number): KubernetesObject {
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
