/**
 * A connection of HTTP/2 to another process, for long work on it. Whose peer does not answer pings is given up with all that is on
 * it: what only listens would never notice by itself.
 */
import type { ClientHttp2Session, SecureClientSessionOptions } from "node:http2";
import { connect } from "node:http2";

export interface Http2SessionOptions {
  readonly connectTimeoutMs: number;
  readonly pingMs: number;
  /** For one answer. */
  readonly pingTimeoutMs: number;
  /** What may be under way unread, on one stream and on all: what is large must not wait for a round trip each 64 KB. */
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  readonly tls?: SecureClientSessionOptions;
}

/** Nobody has to listen to its errors: each stream on it is told. A peer that says goodbye gets no more streams. */
export function openHttp2Session(url: string, options: Http2SessionOptions): ClientHttp2Session {
  const { tls, streamWindowBytes, connectionWindowBytes, connectTimeoutMs } = options;
  const session = connect(url, { ...tls, settings: { initialWindowSize: streamWindowBytes, enablePush: false } });
  const late = setTimeout(() => session.destroy(new Error("no connection in time")), connectTimeoutMs);
  session.once("connect", () => {
    clearTimeout(late);
    session.setLocalWindowSize(connectionWindowBytes);
    watchOver(session, options);
  });
  session.once("close", () => clearTimeout(late));
  session.on("error", () => undefined);
  session.on("goaway", () => session.close());
  return session;
}

function watchOver(session: ClientHttp2Session, { pingMs, pingTimeoutMs }: Http2SessionOptions): void {
  let late: NodeJS.Timeout | undefined;
  const ping = setInterval(() => {
    if (late !== undefined || session.destroyed) return;
    late = setTimeout(() => session.destroy(new Error("pings are not answered")), pingTimeoutMs);
    session.ping(() => {
      clearTimeout(late);
      late = undefined;
    });
  }, pingMs);
  session.once("close", () => {
    clearInterval(ping);
    clearTimeout(late);
  });
}
