/** What a request is answered with, before a door writes it down. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import { statusError } from "../../../../protocols/api-server.ts";
import type { InkubeError } from "../../../../protocols/errors.ts";
import type { ResourceInfo } from "../../../../protocols/kubernetes/resources.ts";
import type { StoredObject } from "../cache/stored-object.ts";
import { failure, qualifiedResource } from "../machinery/status.ts";
import { warningsOf } from "../machinery/warnings.ts";
import { servedBytes, toServed } from "./present.ts";

export interface Eviction extends KubernetesObject {
  /** As on the wire. */
  readonly deleteOptions?: Readonly<Record<string, unknown>>;
}

export interface Answer {
  /** HTTP status. */
  readonly code: number;
  readonly object: KubernetesObject;
  /** JSON of `object`, when it is there without the work of making it. */
  readonly bytes?: Uint8Array;
  readonly warnings: readonly string[];
}

class StoredAnswer implements Answer {
  readonly code: number;
  protected readonly given: readonly string[];
  private readonly info: ResourceInfo;
  private readonly stored: StoredObject;

  constructor(info: ResourceInfo, stored: StoredObject, code: number, warnings: readonly string[]) {
    this.info = info;
    this.stored = stored;
    this.code = code;
    this.given = warnings;
  }

  get warnings(): readonly string[] {
    return this.given;
  }

  get object(): KubernetesObject {
    return toServed(this.info, this.stored.object);
  }

  get bytes(): Uint8Array {
    return servedBytes(this.info, this.stored);
  }
}

/** The answer to a write of a spec: it tells what its sender should know, once a door asks. */
class WrittenAnswer extends StoredAnswer {
  private readonly old: KubernetesObject | undefined;

  constructor(info: ResourceInfo, stored: StoredObject, code: number, written: Written) {
    super(info, stored, code, written.warnings ?? []);
    this.old = written.old;
  }

  override get warnings(): readonly string[] {
    return [...this.given, ...warningsOf(this.object, this.old)];
  }
}

export interface Written {
  /** What an update replaced. */
  readonly old?: KubernetesObject | undefined;
  /** What the request itself gives cause to. */
  readonly warnings?: readonly string[];
}

export function writtenAnswer(info: ResourceInfo, stored: StoredObject, code: number, written: Written): Answer {
  return new WrittenAnswer(info, stored, code, written);
}

export function answerOf(
  info: ResourceInfo,
  stored: StoredObject,
  code: number,
  warnings: readonly string[] = [],
): Answer {
  return new StoredAnswer(info, stored, code, warnings);
}

export function plainAnswer(object: KubernetesObject, code: number): Answer {
  return { code, object, warnings: [] };
}

/** 403 with the cause by which clients tell it from a lack of rights. */
export function terminatingNamespace(info: ResourceInfo, name: string, namespace: string): InkubeError {
  const subject = name === "" ? qualifiedResource(info) : `${qualifiedResource(info)} "${name}"`;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const cause = {
    reason: "NamespaceTerminating",
    message: `namespace ${namespace} is being terminated`,
    field: "metadata.namespace",
  };
  const details = {
    ...(name === "" ? {} : { name }),
    ...(info.group === "" ? {} : { group: info.group }),
    kind: info.resource,
    causes: [cause],
  };
  return statusError(failure(403, "Forbidden", `${subject} is forbidden: ${why}`, details));
}
