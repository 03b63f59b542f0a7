/** A request and its answer, whichever version of HTTP carries them. */
import type { Duplex } from "node:stream";
import type { KeptBytes } from "../../../protocols/kept-bytes.ts";
import { bytesOf } from "../../../protocols/kept-bytes.ts";
import type { UserInfo } from "../core/identity.ts";

export interface HttpRequest {
  readonly method: string;
  /** Path and query as they came. */
  readonly url: string;
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined };
  /** By which its client finds it again: as the client named it, or made here. Every answer carries it. */
  readonly auditId: string;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** Undefined: nobody that we know. */
  readonly user: UserInfo | undefined;
  /** Where the client reached us. */
  readonly localAddress: string;
  /** The client's own, without its port; "" when it is gone. Asked for: few need it, and over HTTP/2 it takes some time. */
  readonly remoteAddress: () => string;
  readonly body: Uint8Array;
  /** The body of a request that is passed on to another server, in place of `body`. */
  readonly stream?: NodeJS.ReadableStream;
  /** The connection of a client that wants to speak another protocol on it, and what it has sent of that. */
  readonly upgrade?: Upgrade;
}

export interface Upgrade {
  readonly socket: Duplex;
  readonly head: Uint8Array;
}

/** A request before it is known whose it is. */
export type ArrivedRequest = Omit<HttpRequest, "user"> & {
  /** Undefined until it is known on whose behalf it is carried out: from then on it is a request. */
  user: UserInfo | undefined;
  /** A promise only where a signature is to be looked at. */
  readonly identify: () => UserInfo | undefined | Promise<UserInfo | undefined>;
};

export interface HttpAnswer {
  /** Headers that whatever is answered carries besides. */
  mark(headers: Headers): void;
  /** Sends the whole answer. */
  send(status: number, headers: Headers, body: Body | undefined): void;
  /** Sends the head, and lets the body follow piece by piece. */
  open(status: number, headers: ManyHeaders): HttpBody;
  /** The client is gone, or everything was sent. Called once. */
  onClose(listener: () => void): void;
  /** The client is gone. */
  readonly closed: boolean;
  /** Of the head, once it is on its way. */
  readonly status: number;
  /** The head is on its way. */
  readonly begun: boolean;
  destroy(): void;
}

/** `length` bytes. What is kept as text goes out as it is: as a `Uint8Array` it would be copied once more. */
export type Body = Uint8Array | KeptBytes;

/** How Node is to read a text: a byte is a byte. */
export const BODY_ENCODING = "latin1";

/** For whoever works on a body before it goes out. */
export function bytesOfBody(body: Body): Uint8Array {
  return typeof body === "string" ? bytesOf(body) : body;
}

export type Headers = { readonly [name: string]: string };
/** Some may come several times, each with a value of its own. */
export type ManyHeaders = { readonly [name: string]: string | string[] };

export interface HttpBody {
  /** False when the writer should wait for `onceDrained`. */
  write(bytes: Uint8Array): boolean;
  /** As `write`. */
  writeKept(bytes: KeptBytes): boolean;
  onceDrained(listener: () => void): void;
  end(): void;
  /** Drops the stream, so that the client sees that it broke off. */
  destroy(): void;
  /** What waits to be sent. */
  readonly bufferedBytes: number;
  /** The client is gone, or everything was sent. Called once. */
  onClose(listener: () => void): void;
}

/** A body goes on as it comes, no faster than it is taken. */
export function pour(incoming: NodeJS.ReadableStream, body: HttpBody): void {
  incoming.on("data", (chunk: Uint8Array) => {
    if (body.write(chunk)) return;
    incoming.pause();
    body.onceDrained(() => incoming.resume());
  });
  incoming.on("end", () => body.end());
  incoming.on("error", () => body.destroy());
}

export const AUDIT_ID = "audit-id";

/** As a client has named its request: the first of several, as Go takes it; "" where it has not. */
export function auditIdOf(rawHeaders: readonly string[]): string {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() === AUDIT_ID) return rawHeaders[i + 1] ?? "";
  }
  return "";
}

/** What serves a path outside of the API, such as `/debug/trace`. */
export type RawHandler = (request: HttpRequest, answer: HttpAnswer) => void | Promise<void>;

export function header(request: HttpRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" ? value : value?.[0];
}
