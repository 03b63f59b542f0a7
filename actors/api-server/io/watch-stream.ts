/**
 * Watches at the HTTPS door: one line of JSON an event. The lines of an event are made once and shared by all watchers of the
 * same form; what one turn brings leaves in one write.
 */
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { hasReason, statusOf } from "../../../protocols/api-server.ts";
import type { ChangeType } from "../core/cache/resource-cache.ts";
import type { Served } from "../core/catalog/catalog.ts";
import type { StoredObject } from "../core/cache/stored-object.ts";
import type { IncludeObject } from "../core/machinery/table.ts";
import { toPartialObjectMetadata, toTable } from "../core/machinery/table.ts";
import { servedBytes, toServed } from "../core/registry/present.ts";
import type { Form } from "../core/rest/negotiation.ts";
import type { WatchReceiver } from "../watches.ts";
import type { HttpBody } from "./http-messages.ts";

const encoder = new TextEncoder();

/** The line made last, and the lines joined last: watchers of one event come one after the other. */
export class WatchLines {
  private stored: StoredObject | undefined;
  private type: ChangeType | undefined;
  private served: Served | undefined;
  private line: Uint8Array = new Uint8Array(0);
  private joined: Uint8Array = new Uint8Array(0);
  private joinedFrom: readonly Uint8Array[] = [];

  of(served: Served, type: ChangeType, stored: StoredObject): Uint8Array {
    if (this.stored === stored && this.type === type && this.served === served) return this.line;
    const bytes = servedBytes(served, stored);
    const head = `{"type":"${type}","object":`;
    const line = new Uint8Array(head.length + bytes.length + 2);
    for (let i = 0; i < head.length; i++) line[i] = head.charCodeAt(i);
    line.set(bytes, head.length);
    line[line.length - 2] = 0x7d;
    line[line.length - 1] = 0x0a;
    this.stored = stored;
    this.type = type;
    this.served = served;
    this.line = line;
    return line;
  }

  join(lines: readonly Uint8Array[]): Uint8Array {
    const [only] = lines;
    if (lines.length === 1 && only !== undefined) return only;
    const before = this.joinedFrom;
    if (before.length === lines.length && lines.every((line, index) => before[index] === line)) return this.joined;
    this.joinedFrom = lines;
    this.joined = Buffer.concat(lines);
    return this.joined;
  }
}

export interface WatchStreamOptions {
  readonly served: Served;
  readonly form: Form;
  readonly includeObject: IncludeObject;
  readonly bufferBytesMax: number;
  readonly nowMs: () => number;
}

export class WatchStream implements WatchReceiver {
  private readonly body: HttpBody;
  private readonly lines: WatchLines;
  private readonly options: WatchStreamOptions;
  private readonly onOverrun: () => void;
  private pending: Uint8Array[] = [];
  private columnsSent = false;
  private ended = false;

  constructor(body: HttpBody, lines: WatchLines, options: WatchStreamOptions, onOverrun: () => void) {
    this.body = body;
    this.lines = lines;
    this.options = options;
    this.onOverrun = onOverrun;
  }

  event(type: ChangeType, stored: StoredObject): void {
    const { served, form } = this.options;
    if (form === "object") this.push(this.lines.of(served, type, stored));
    else this.push(this.rendered(type, toServed(served, stored.object)));
  }

  bookmark(object: KubernetesObject): void {
    this.push(this.rendered("BOOKMARK", object));
  }

  /** Tells the client why, and ends the stream. */
  fail(error: Error): void {
    const status = statusOf(error);
    this.push(encoder.encode(`${JSON.stringify({ type: "ERROR", object: status })}\n`));
    this.end();
  }

  /** Without an error, or when the client had better go on elsewhere, the stream just ends, as at a server that stops. */
  end(error?: Error): void {
    if (this.ended) return;
    if (hasReason(error, "Expired")) {
      this.fail(error as Error);
      return;
    }
    this.flush();
    this.ended = true;
    this.body.end();
  }

  private rendered(type: string, object: KubernetesObject): Uint8Array {
    return encoder.encode(`${JSON.stringify({ type, object: this.inForm(object) })}\n`);
  }

  private inForm(object: KubernetesObject): KubernetesObject {
    const { served, form, includeObject, nowMs } = this.options;
    if (form === "partial") return toPartialObjectMetadata(object);
    if (form !== "table") return object;
    const resourceVersion = object.metadata?.resourceVersion ?? "";
    const columns = !this.columnsSent;
    this.columnsSent = true;
    return toTable(served, [object], { resourceVersion }, { includeObject, nowMs: nowMs(), columns });
  }

  private push(line: Uint8Array): void {
    if (this.ended) return;
    this.pending.push(line);
    if (this.pending.length === 1) queueMicrotask(() => this.flush());
  }

  private flush(): void {
    if (this.ended || this.pending.length === 0) return;
    const lines = this.pending;
    this.pending = [];
    if (this.body.bufferedBytes > this.options.bufferBytesMax) {
      // Slower than the cluster changes: the client has to list again, as from kube-apiserver.
      this.ended = true;
      this.body.destroy();
      this.onOverrun();
      return;
    }
    this.body.write(this.lines.join(lines));
  }
}
