/** Asks a server of gRPC, over HTTP/2, how it is. Its certificate may be anybody's. */
import { connect, constants } from "node:http2";
import type { IncomingHttpHeaders } from "node:http2";
import type { Address } from "../../../runtime/net.ts";
import type { HealthAnswer } from "../core/grpc-health.ts";
import { HEALTH_CHECK_PATH, healthRequest } from "../core/grpc-health.ts";

/** An answer has some ten bytes. */
const BODY_BYTES_MAX = 4_096;
const UNKNOWN = 2;

export function askHealth(
  { host, port }: Address,
  { service, isTls }: { readonly service: string; readonly isTls: boolean },
  timeoutMs: number,
): Promise<HealthAnswer> {
  return new Promise((resolve) => {
    const session = connect(`${isTls ? "https" : "http"}://${host}:${port}`, { rejectUnauthorized: false });
    const done = (answer: HealthAnswer): void => {
      clearTimeout(late);
      resolve(answer);
      session.destroy();
    };
    const late = setTimeout(() => done({ kind: "late" }), timeoutMs);
    session.on("error", ({ message }) => done({ kind: "unreachable", why: message }));
    session.once("close", () => done({ kind: "unreachable", why: "the connection was closed" }));
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: HEALTH_CHECK_PATH,
      "content-type": "application/grpc",
      te: "trailers",
      "user-agent": "kube-probe/1.37",
    });
    let told: IncomingHttpHeaders = {};
    const parts: Buffer[] = [];
    let length = 0;
    stream.on("error", ({ message }) => done({ kind: "unreachable", why: message }));
    // A refusal has its status in the head, an answer behind the body.
    stream.on("response", (headers) => (told = { ...told, ...headers }));
    stream.on("trailers", (headers) => (told = { ...told, ...headers }));
    stream.on("data", (bytes: Buffer) => {
      length += bytes.length;
      if (length > BODY_BYTES_MAX) done({ kind: "unreachable", why: "the answer is too long" });
      else parts.push(bytes);
    });
    stream.on("end", () => {
      const grpcStatus = Number(told["grpc-status"] ?? UNKNOWN);
      const grpcMessage = String(told["grpc-message"] ?? "");
      done({ kind: "answered", grpcStatus, grpcMessage, body: Buffer.concat(parts) });
    });
    stream.end(healthRequest(service));
  });
}
