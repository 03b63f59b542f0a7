/** An answer on an HTTP/1.1 connection. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { KeptBytes } from "../../../protocols/kept-bytes.ts";
import type { Body, Headers, HttpAnswer, HttpBody, ManyHeaders } from "./http-messages.ts";
import { AUDIT_ID, BODY_ENCODING } from "./http-messages.ts";

const NOTHING = new Uint8Array(0);

export class Http1Answer implements HttpAnswer, HttpBody {
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  private readonly auditId: string;
  private marks: Headers = {};

  constructor(request: IncomingMessage, response: ServerResponse, auditId: string) {
    this.auditId = auditId;
    this.request = request;
    this.response = response;
    // A client that breaks off; `close` follows.
    response.on("error", ignore);
    request.on("error", ignore);
  }

  mark(headers: Headers): void {
    this.marks = headers;
  }

  get closed(): boolean {
    return this.response.destroyed || this.response.writableEnded;
  }

  get status(): number {
    return this.response.statusCode;
  }

  get begun(): boolean {
    return this.response.headersSent;
  }

  send(status: number, headers: Headers, body: Body | undefined): void {
    const { response } = this;
    if (this.closed || response.headersSent) return;
    const length = { "content-length": String(body?.length ?? 0) };
    // What is left of a body that nobody reads would be taken for the next request.
    const unread = this.request.complete ? {} : { connection: "close" };
    response.writeHead(status, { ...headers, ...this.marks, [AUDIT_ID]: this.auditId, ...length, ...unread });
    response.end(body, BODY_ENCODING);
  }

  open(status: number, headers: ManyHeaders): HttpBody {
    if (!this.closed && !this.response.headersSent) {
      this.response.writeHead(status, { ...headers, ...this.marks, [AUDIT_ID]: this.auditId });
      // Sends them as they are: `flushHeaders` takes what is beyond ASCII for text, and writes it as UTF-8 once more.
      this.response.write(NOTHING);
    }
    return this;
  }

  write(bytes: Uint8Array): boolean {
    return this.closed || this.response.write(bytes);
  }

  writeKept(bytes: KeptBytes): boolean {
    return this.closed || this.response.write(bytes, BODY_ENCODING);
  }

  onceDrained(listener: () => void): void {
    this.response.once("drain", listener);
  }

  end(): void {
    if (!this.closed) this.response.end();
  }

  destroy(): void {
    this.response.destroy();
  }

  get bufferedBytes(): number {
    return this.response.writableLength;
  }

  onClose(listener: () => void): void {
    if (this.response.closed || this.response.destroyed) listener();
    else this.response.once("close", listener);
  }
}

function ignore(): void {}
