/** What a request is answered with, before a door writes it down. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import { statusError } from "../../../../protocols/api-server.ts";
import { InkubeError } from "../../../../protocols/errors.ts";
import type { KeptBytes } from "../../../../protocols/kept-bytes.ts";
import type { ResourceInfo } from "../../../../protocols/kubernetes/resources.ts";
import type { Served } from "../catalog/catalog.ts";
import type { StoredObject } from "../cache/stored-object.ts";
import { failure, qualifiedResource } from "../machinery/status.ts";
import { warningsOf } from "../machinery/warnings.ts";
import { servedJson, toServed } from "./present.ts";

export interface Eviction extends KubernetesObject {
  /** As on the wire. */
  readonly deleteOptions?: Readonly<Record<string, unknown>>;
}

export interface Answer {
  /** HTTP status. */
  readonly code: number;
  readonly object: KubernetesObject;
  /** JSON of `object`, when it is there without the work of making it. */
  readonly json?: KeptBytes;
  /** What `object` is the served form of. */
  readonly stored?: StoredObject;
  readonly warnings: readonly string[];
}

class StoredAnswer implements Answer {
  readonly code: number;
  protected readonly given: readonly string[];
  protected readonly served: Served;
  readonly stored: StoredObject;

  constructor(served: Served, stored: StoredObject, code: number, warnings: readonly string[]) {
    this.served = served;
    this.stored = stored;
    this.code = code;
    this.given = warnings;
  }

  get warnings(): readonly string[] {
    return this.given;
  }

  get object(): KubernetesObject {
    return toServed(this.served, this.stored.object);
  }

  get json(): KeptBytes {
    return servedJson(this.served, this.stored);
  }
}

/** The answer to a write of a spec: it tells what its sender should know, once a door asks. */
class WrittenAnswer extends StoredAnswer {
  private readonly written: Written;

  constructor(served: Served, stored: StoredObject, code: number, written: Written) {
    super(served, stored, code, written.warnings ?? []);
    this.written = written;
  }

  override get warnings(): readonly string[] {
    const { old, subresource } = this.written;
    return [...this.given, ...warningsOf(this.served.rules, this.object, old, subresource)];
  }
}

export interface Written {
  /** What an update replaced. */
  readonly old?: KubernetesObject | undefined;
  /** Absent: of the object itself. */
  readonly subresource?: string | undefined;
  /** What the request itself gives cause to. */
  readonly warnings?: readonly string[];
}

export function writtenAnswer(served: Served, stored: StoredObject, code: number, written: Written): Answer {
  return new WrittenAnswer(served, stored, code, written);
}

export function answerOf(served: Served, stored: StoredObject, code: number, warnings: readonly string[] = []): Answer {
  return new StoredAnswer(served, stored, code, warnings);
}

export function plainAnswer(object: KubernetesObject, code: number): Answer {
  return { code, object, warnings: [] };
}

/** With what is told besides, before what the answer itself tells. */
export function withWarnings(answer: Answer, warnings: readonly string[]): Answer {
  if (warnings.length === 0) return answer;
  const { code, object, json, stored } = answer;
  const all = [...warnings, ...answer.warnings];
  return { code, object, ...(json !== undefined && { json }), ...(stored && { stored }), warnings: all };
}

/** A refusal with what is told besides. */
export class WarnedError extends InkubeError {
  readonly warnings: readonly string[];

  constructor({ code, message, retryable, details }: InkubeError, warnings: readonly string[]) {
    super(code, message, { retryable, details });
    this.warnings = warnings;
  }
}

/** The error with what is told besides, before what it tells itself; what is no refusal stays as it is. */
export function warnedError(error: unknown, warnings: readonly string[]): unknown {
  if (warnings.length === 0 || !(error instanceof InkubeError)) return error;
  const own = error instanceof WarnedError ? error.warnings : [];
  return new WarnedError(error, [...new Set([...warnings, ...own])]);
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
