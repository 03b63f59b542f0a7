/**
 * HTTP/1.1 on one connection of a `Net`, as far as clients of the API need it: requests one after the other, bodies with a
 * length or in chunks. It works in the turn in which bytes arrive, and leaves nothing in Node's own queues.
 * Source: RFC 9112.
 */
import { STATUS_CODES } from "node:http";
import { bytesOf } from "../../../protocols/kept-bytes.ts";
import type { KeptBytes } from "../../../protocols/kept-bytes.ts";
import type { Connection } from "../../../runtime/net.ts";
import type { Body, Headers, HttpAnswer, HttpBody, ManyHeaders } from "./http-messages.ts";
import { AUDIT_ID, bytesOfBody } from "./http-messages.ts";

export interface PlainRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: { readonly [name: string]: string };
  readonly rawHeaders: readonly string[];
  readonly body: Uint8Array;
}

const HEAD_BYTES_MAX = 65_536;
const BODY_BYTES_MAX = 8_388_608;
const EMPTY = Buffer.alloc(0);
const HEAD_END = "\r\n\r\n";
const LINE_END = "\r\n";
const HEX = 16;

interface Head {
  readonly method: string;
  readonly url: string;
  readonly headers: { readonly [name: string]: string };
  readonly rawHeaders: readonly string[];
}

/** Takes the requests of a connection out of its bytes. */
export class PlainRequests {
  private readonly connection: Connection;
  private readonly onRequest: (request: PlainRequest, done: () => void) => void;
  private received: Buffer = EMPTY;
  private head: Head | undefined;
  private isAnswering = false;

  /** `onRequest` calls `done` when the request has been answered: then the next one is taken. */
  constructor(connection: Connection, onRequest: (request: PlainRequest, done: () => void) => void) {
    this.connection = connection;
    this.onRequest = onRequest;
    connection.onData((bytes) => {
      this.received = this.received.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.received, bytes]);
      this.take();
    });
    connection.onEnd(() => connection.end());
  }

  private take(): void {
    while (!this.isAnswering) {
      if (this.head === undefined) {
        const end = this.received.indexOf(HEAD_END);
        if (end < 0) {
          if (this.received.length > HEAD_BYTES_MAX) this.connection.destroy();
          return;
        }
        this.head = headOf(this.received.toString("latin1", 0, end));
        this.received = this.received.subarray(end + HEAD_END.length);
        if (this.head === undefined) return this.connection.destroy();
      }
      const found = bodyOf(this.head.headers, this.received);
      if (found === "broken" || this.received.length > BODY_BYTES_MAX) return this.connection.destroy();
      if (found === "more") return;
      const request = { ...this.head, body: found.body };
      this.head = undefined;
      this.received = this.received.subarray(found.bytes);
      this.isAnswering = true;
      this.onRequest(request, () => {
        this.isAnswering = false;
        this.take();
      });
    }
  }
}

function headOf(text: string): Head | undefined {
  const [first = "", ...lines] = text.split(LINE_END);
  const [method, url, version] = first.split(" ");
  if (method === undefined || url === undefined || version !== "HTTP/1.1") return undefined;
  const headers: Record<string, string> = {};
  const rawHeaders: string[] = [];
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon <= 0) return undefined;
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).trim();
    const key = name.toLowerCase();
    headers[key] = Object.hasOwn(headers, key) ? `${headers[key]}, ${value}` : value;
    rawHeaders.push(name, value);
  }
  return { method, url, headers, rawHeaders };
}

type FoundBody = { readonly body: Uint8Array; readonly bytes: number } | "more" | "broken";

function bodyOf(headers: Head["headers"], received: Buffer): FoundBody {
  if (headers["transfer-encoding"] !== undefined) return chunksOf(received);
  const length = Number(headers["content-length"] ?? "0");
  if (!Number.isSafeInteger(length) || length < 0) return "broken";
  return received.length < length ? "more" : { body: received.subarray(0, length), bytes: length };
}

function chunksOf(received: Buffer): FoundBody {
  const chunks: Uint8Array[] = [];
  for (let at = 0; ;) {
    const lineEnd = received.indexOf(LINE_END, at);
    if (lineEnd < 0) return "more";
    const size = Number.parseInt(received.toString("latin1", at, lineEnd), HEX);
    if (Number.isNaN(size)) return "broken";
    const from = lineEnd + LINE_END.length;
    const to = from + size;
    if (received.length < to + LINE_END.length) return "more";
    if (size === 0) return { body: Buffer.concat(chunks), bytes: to + LINE_END.length };
    chunks.push(received.subarray(from, to));
    at = to + LINE_END.length;
  }
}

/** The answer to one request. */
export class PlainAnswer implements HttpAnswer, HttpBody {
  status = 0;
  begun = false;
  private readonly connection: Connection;
  private readonly auditId: string;
  private readonly isHead: boolean;
  private readonly date: string;
  private readonly done: () => void;
  private readonly closeListeners: (() => void)[] = [];
  private readonly drainListeners: (() => void)[] = [];
  private isOver = false;
  private marks: Headers = {};
  /** Written, and not yet taken by the other side. */
  private waitingBytes = 0;

  constructor(
    connection: Connection,
    request: { readonly auditId: string; readonly isHead: boolean; readonly date: string },
    done: () => void,
  ) {
    this.connection = connection;
    this.auditId = request.auditId;
    this.isHead = request.isHead;
    this.date = request.date;
    this.done = done;
    connection.onClose(() => this.over());
    connection.onDrain(() => {
      this.waitingBytes = 0;
      for (const listener of this.drainListeners.splice(0)) listener();
    });
  }

  mark(headers: Headers): void {
    this.marks = headers;
  }

  get closed(): boolean {
    return this.isOver;
  }

  get bufferedBytes(): number {
    return this.waitingBytes;
  }

  send(status: number, headers: Headers, body: Body | undefined): void {
    if (this.isOver || this.begun) return;
    const head = this.headText(status, { ...headers, "content-length": String(body?.length ?? 0) });
    this.put(Buffer.concat([Buffer.from(head, "latin1"), this.isHead ? EMPTY : bytesOfBody(body ?? EMPTY)]));
    this.finish();
  }

  open(status: number, headers: ManyHeaders): HttpBody {
    if (!this.isOver && !this.begun) {
      this.put(Buffer.from(this.headText(status, { ...headers, "transfer-encoding": "chunked" }), "latin1"));
    }
    return this;
  }

  write(bytes: Uint8Array): boolean {
    if (this.isOver || bytes.length === 0) return true;
    return this.put(Buffer.concat([Buffer.from(bytes.length.toString(HEX) + LINE_END), bytes, Buffer.from(LINE_END)]));
  }

  writeKept(bytes: KeptBytes): boolean {
    return this.write(bytesOf(bytes));
  }

  onceDrained(listener: () => void): void {
    this.drainListeners.push(listener);
  }

  end(): void {
    if (this.isOver) return;
    this.put(Buffer.from(`0${HEAD_END}`));
    this.finish();
  }

  destroy(): void {
    this.connection.destroy();
    this.over();
  }

  onClose(listener: () => void): void {
    if (this.isOver) listener();
    else this.closeListeners.push(listener);
  }

  private headText(status: number, headers: ManyHeaders): string {
    this.status = status;
    this.begun = true;
    const all = { ...headers, ...this.marks, [AUDIT_ID]: this.auditId, date: this.date };
    const lines = Object.entries(all).flatMap(([name, value]) => [value].flat().map((each) => `${name}: ${each}`));
    return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}${LINE_END}${lines.join(LINE_END)}${HEAD_END}`;
  }

  private put(bytes: Uint8Array): boolean {
    const hasRoom = this.connection.write(bytes);
    if (!hasRoom) this.waitingBytes += bytes.length;
    return hasRoom;
  }

  private finish(): void {
    this.over();
    this.done();
  }

  private over(): void {
    if (this.isOver) return;
    this.isOver = true;
    for (const listener of this.closeListeners.splice(0)) listener();
  }
}
