/**
 * Watches at the HTTPS door: one line of JSON an event, or one frame of protobuf. The lines of an event are made once and shared
 * by all watchers of the same form; what one turn brings leaves in one write.
 */
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { hasReason, statusOf } from "../../../protocols/api-server.ts";
import { bytesOf } from "../../../protocols/kept-bytes.ts";
import type { ChangeType } from "../core/cache/resource-cache.ts";
import type { ProtobufObjects } from "../core/cache/protobuf-objects.ts";
import type { Served } from "../core/catalog/catalog.ts";
import type { StoredObject } from "../core/cache/stored-object.ts";
import { PROTOBUF_MEDIA_TYPE } from "../core/machinery/decode-protobuf.ts";
import { encodeProtobuf, encodeWatchFrame, messageType } from "../core/machinery/encode-protobuf.ts";
import type { IncludeObject } from "../core/machinery/table.ts";
import { toPartialObjectMetadata, toTable } from "../core/machinery/table.ts";
import type { Held } from "../core/rest/held.ts";
import { servedJson, toServed } from "../core/registry/present.ts";
import type { Negotiated } from "../core/rest/negotiation.ts";
import type { WatchSeries } from "../request-metrics.ts";
import type { WatchReceiver } from "../watches.ts";
import type { HttpBody } from "./http-messages.ts";

const encoder = new TextEncoder();

/** What waits for a watcher is counted from here on: the window of a connection has room for less. */
const SLOW_BYTES = 65_536;

type MakeLine = (served: Served, type: ChangeType, stored: StoredObject) => Uint8Array;

export function jsonLine(served: Served, type: ChangeType, stored: StoredObject): Uint8Array {
  const bytes = bytesOf(servedJson(served, stored));
  const head = `{"type":"${type}","object":`;
  const line = new Uint8Array(head.length + bytes.length + 2);
  for (let i = 0; i < head.length; i++) line[i] = head.charCodeAt(i);
  line.set(bytes, head.length);
  line[line.length - 2] = 0x7d;
  line[line.length - 1] = 0x0a;
  return line;
}

export function protobufLine(protobuf: ProtobufObjects): MakeLine {
  return (served, type, stored) => encodeWatchFrame(type, protobuf.of(served, stored));
}

/** The line made last, and the lines joined last: watchers of one event come one after the other. */
export class WatchLines {
  private readonly make: MakeLine;
  private stored: StoredObject | undefined;
  private type: ChangeType | undefined;
  private served: Served | undefined;
  private line: Uint8Array = new Uint8Array(0);
  private joined: Uint8Array = new Uint8Array(0);
  private joinedFrom: readonly Uint8Array[] = [];

  constructor(make: MakeLine) {
    this.make = make;
  }

  of(served: Served, type: ChangeType, stored: StoredObject): Uint8Array {
    if (this.stored === stored && this.type === type && this.served === served) return this.line;
    this.line = this.make(served, type, stored);
    this.stored = stored;
    this.type = type;
    this.served = served;
    return this.line;
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
  readonly form: Negotiated;
  readonly includeObject: IncludeObject;
  readonly bufferBytesMax: number;
  readonly held: Held;
  readonly series: WatchSeries;
  readonly nowMs: () => number;
}

export class WatchStream implements WatchReceiver {
  private readonly body: HttpBody;
  private readonly lines: WatchLines;
  private readonly options: WatchStreamOptions;
  private readonly onOverrun: () => void;
  private pending: Uint8Array[] = [];
  private columnsSent = false;
  /** Of what waits, when that is much. */
  private release: (() => void) | undefined;
  private ended = false;

  constructor(body: HttpBody, lines: WatchLines, options: WatchStreamOptions, onOverrun: () => void) {
    this.body = body;
    this.lines = lines;
    this.options = options;
    this.onOverrun = onOverrun;
    body.onClose(() => this.letGo());
  }

  get served(): Served {
    return this.options.served;
  }

  event(type: ChangeType, stored: StoredObject): void {
    const { served, form } = this.options;
    if (form.form === "object") this.push(this.lines.of(served, type, stored));
    else this.push(this.rendered(type, toServed(served, stored.object)));
  }

  bookmark(object: KubernetesObject): void {
    this.push(this.rendered("BOOKMARK", object));
  }

  /** Tells the client why, and ends the stream. */
  fail(error: Error): void {
    this.push(this.line("ERROR", statusOf(error) ?? {}));
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
    return this.line(type, this.inForm(object));
  }

  private line(type: string, object: KubernetesObject): Uint8Array {
    if (this.options.form.mediaType !== PROTOBUF_MEDIA_TYPE) {
      return encoder.encode(`${JSON.stringify({ type, object })}\n`);
    }
    const { apiVersion = "", kind = "" } = object;
    const message = messageType(apiVersion, kind);
    if (message === undefined) throw new Error(`${apiVersion} ${kind} has no message`);
    return encodeWatchFrame(type, encodeProtobuf(message, object));
  }

  private inForm(object: KubernetesObject): KubernetesObject {
    const { served, form, includeObject, nowMs } = this.options;
    if (form.form === "partial") return toPartialObjectMetadata(served, object);
    if (form.form !== "table") return object;
    const resourceVersion = object.metadata?.resourceVersion ?? "";
    const columns = !this.columnsSent;
    this.columnsSent = true;
    return toTable(served, [object], { resourceVersion }, { includeObject, nowMs: nowMs(), columns });
  }

  private push(line: Uint8Array): void {
    if (this.ended) return;
    const { series } = this.options;
    series.events.inc();
    series.sizes.observe(line.length);
    this.pending.push(line);
    if (this.pending.length === 1) queueMicrotask(() => this.flush());
  }

  private flush(): void {
    if (this.ended || this.pending.length === 0) return;
    const lines = this.pending;
    this.pending = [];
    const { body } = this;
    const { bufferBytesMax, held } = this.options;
    const joined = this.lines.join(lines);
    const waiting = body.bufferedBytes;
    if (waiting > bufferBytesMax || (waiting + joined.length > SLOW_BYTES && held.isFullWith(joined.length))) {
      // Slower than the cluster changes: the client has to list again, as from kube-apiserver.
      this.ended = true;
      body.destroy();
      this.onOverrun();
      return;
    }
    body.write(joined);
    if (waiting + joined.length > SLOW_BYTES) this.hold(waiting + joined.length);
  }

  /** Until it is taken, or the client is gone. */
  private hold(bytes: number): void {
    const before = this.release;
    this.release = this.options.held.hold(bytes);
    if (before === undefined) this.body.onceDrained(() => this.letGo());
    else before();
  }

  private letGo(): void {
    this.release?.();
    this.release = undefined;
  }
}
