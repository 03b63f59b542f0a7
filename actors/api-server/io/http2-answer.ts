/** An answer on an HTTP/2 stream. */
import type { ServerHttp2Stream } from "node:http2";
import type { KeptBytes } from "../../../protocols/kept-bytes.ts";
import type { Body, Headers, HttpAnswer, HttpBody, ManyHeaders } from "./http-messages.ts";
import { AUDIT_ID, BODY_ENCODING } from "./http-messages.ts";

export class Http2Answer implements HttpAnswer, HttpBody {
  private readonly stream: ServerHttp2Stream;
  private readonly auditId: string;
  private readonly lasts: () => void;
  private marks: Headers = {};

  /** @param lasts is told when the answer comes piece by piece, for as long as the client likes */
  constructor(stream: ServerHttp2Stream, auditId: string, lasts: () => void) {
    this.auditId = auditId;
    this.lasts = lasts;
    this.stream = stream;
    // A client that resets its stream; `close` follows.
    stream.on("error", ignore);
  }

  mark(headers: Headers): void {
    this.marks = headers;
  }

  get closed(): boolean {
    return this.stream.destroyed || this.stream.closed;
  }

  get status(): number {
    return Number(this.stream.sentHeaders?.[":status"] ?? 200);
  }

  get begun(): boolean {
    return this.stream.headersSent;
  }

  send(status: number, headers: Headers, body: Body | undefined): void {
    const { stream, auditId } = this;
    if (this.closed || stream.headersSent) return;
    const { headRequest } = stream as ServerHttp2Stream & { readonly headRequest?: boolean };
    // What is spread and then added to takes microseconds on Node.js 20, and every answer has a head.
    const head = Object.assign({ ":status": status }, headers, this.marks, { [AUDIT_ID]: auditId });
    if (body === undefined || body.length === 0 || headRequest === true) {
      stream.respond(head, { endStream: true });
      return;
    }
    stream.respond(Object.assign(head, { "content-length": String(body.length) }));
    stream.end(body, BODY_ENCODING);
  }

  open(status: number, headers: ManyHeaders): HttpBody {
    if (!this.closed && !this.stream.headersSent) {
      this.lasts();
      this.stream.respond({ ":status": status, ...headers, ...this.marks, [AUDIT_ID]: this.auditId });
    }
    return this;
  }

  write(bytes: Uint8Array): boolean {
    return this.closed || this.stream.write(bytes);
  }

  writeKept(bytes: KeptBytes): boolean {
    return this.closed || this.stream.write(bytes, BODY_ENCODING);
  }

  onceDrained(listener: () => void): void {
    this.stream.once("drain", listener);
  }

  end(): void {
    if (!this.closed) this.stream.end();
  }

  destroy(): void {
    this.stream.destroy();
  }

  get bufferedBytes(): number {
    return this.stream.writableLength;
  }

  onClose(listener: () => void): void {
    if (this.closed) listener();
    else this.stream.once("close", listener);
  }
}

function ignore(): void {}
