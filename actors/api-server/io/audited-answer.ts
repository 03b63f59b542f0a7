/** An answer whose head, and whose body where the policy wants it, goes into the audit log as well. */
import { gunzipSync } from "node:zlib";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import type { KeptBytes } from "../../../protocols/kept-bytes.ts";
import { bytesOf } from "../../../protocols/kept-bytes.ts";
import type { AuditTrail } from "../audit.ts";
import type { Body, Headers, HttpAnswer, HttpBody, HttpRequest, ManyHeaders } from "./http-messages.ts";
import { bytesOfBody } from "./http-messages.ts";
import { bodyValue } from "./bodies.ts";
import { WrappedAnswer } from "./wrapped-answer.ts";

export class AuditedAnswer extends WrappedAnswer {
  private readonly trail: AuditTrail;

  constructor(answer: HttpAnswer, trail: AuditTrail) {
    super(answer);
    this.trail = trail;
  }

  override send(status: number, headers: Headers, body: Body | undefined): void {
    const isWanted = body !== undefined && this.trail.wantsBody(status);
    this.trail.answered(status, isWanted ? valueOf(bytesOfBody(body), headers) : undefined);
    this.answer.send(status, headers, body);
  }

  override open(status: number, headers: ManyHeaders): HttpBody {
    const body = this.answer.open(status, headers);
    if (!this.trail.wantsStream(status)) {
      this.trail.answered(status);
      return body;
    }
    return new AuditedBody(body, (bytes) => this.trail.answered(status, valueOf(bytes, headers)));
  }
}

/** A list that is put together while its client reads it. */
class AuditedBody implements HttpBody {
  private readonly body: HttpBody;
  private readonly onEnd: (bytes: Uint8Array) => void;
  private readonly written: Uint8Array[] = [];

  constructor(body: HttpBody, onEnd: (bytes: Uint8Array) => void) {
    this.body = body;
    this.onEnd = onEnd;
  }

  write(bytes: Uint8Array): boolean {
    this.written.push(bytes);
    return this.body.write(bytes);
  }

  writeKept(bytes: KeptBytes): boolean {
    this.written.push(bytesOf(bytes));
    return this.body.writeKept(bytes);
  }

  onceDrained(listener: () => void): void {
    this.body.onceDrained(listener);
  }

  end(): void {
    this.onEnd(Buffer.concat(this.written));
    this.body.end();
  }

  destroy(): void {
    this.body.destroy();
  }

  get bufferedBytes(): number {
    return this.body.bufferedBytes;
  }

  onClose(listener: () => void): void {
    this.body.onClose(listener);
  }
}

/** Undefined of what is no JSON, YAML or protobuf of Kubernetes. */
function valueOf(bytes: Uint8Array, headers: ManyHeaders): unknown {
  const { "content-type": type = "", "content-encoding": coding } = headers;
  return bodyValue(coding === "gzip" ? gunzipSync(bytes) : bytes, String(type));
}

/** As kube-apiserver tells of them, whatever version they were sent in. */
const DELETE_OPTIONS = { kind: "DeleteOptions", apiVersion: "meta.k8s.io/__internal" };

/** What a request brings: an object with its kind, which its URL tells where it does not. */
export function requestValue({ body, headers, method }: HttpRequest, kindOf: () => KubernetesObject): unknown {
  if (body.length === 0 || method === "GET" || method === "HEAD") return undefined;
  const value = bodyValue(body, String(headers["content-type"] ?? ""));
  if (typeof value !== "object" || value === null || method === "PATCH") return value;
  if (method === "DELETE") return { ...value, ...DELETE_OPTIONS };
  const { kind } = value as KubernetesObject;
  return kind === undefined ? { ...kindOf(), ...value } : value;
}
