/** The protocol of gRPC's health checks, and what a probe makes of it. Source: grpc/health/v1/health.proto, kubelet `pkg/probe/grpc/grpc.go`. */

export const HEALTH_CHECK_PATH = "/grpc.health.v1.Health/Check";

/** What came of a check, before it is judged. */
export type HealthAnswer =
  | { readonly kind: "answered"; readonly grpcStatus: number; readonly grpcMessage: string; readonly body: Uint8Array }
  | { readonly kind: "unreachable"; readonly why: string }
  | { readonly kind: "late" };

const PREFIX_BYTES = 5;
const SERVING = 1;
const STATUSES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
const UNIMPLEMENTED = 12;
const VARINT_BYTE = 0x80;

/** `HealthCheckRequest`, as gRPC sends a message: a byte, its length in four bytes, then the message. */
export function healthRequest(service: string): Uint8Array {
  const name = new TextEncoder().encode(service);
  const length: number[] = [];
  for (let rest = name.length; ; rest >>= 7) {
    length.push(rest < VARINT_BYTE ? rest : (rest & 0x7f) | VARINT_BYTE);
    if (rest < VARINT_BYTE) break;
  }
  const message = name.length === 0 ? [] : [0x0a, ...length, ...name];
  const size = message.length;
  return Uint8Array.from([0, size >>> 24, (size >> 16) & 0xff, (size >> 8) & 0xff, size & 0xff, ...message]);
}

/** Why a container is not well; undefined when it is. */
export function healthFault(answer: HealthAnswer, address: string, timeoutMs: number): string | undefined {
  const within = `${timeoutMs / 1_000}s`;
  switch (answer.kind) {
    case "late":
      return `timeout: failed to connect service ${JSON.stringify(address)} within ${within}: context deadline exceeded`;
    case "unreachable":
      return `error: failed to connect service at ${JSON.stringify(address)}: ${answer.why}`;
    case "answered": {
      const { grpcStatus, grpcMessage, body } = answer;
      if (grpcStatus === UNIMPLEMENTED) {
        return `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${grpcMessage}`;
      }
      if (grpcStatus !== 0) return `error: health rpc probe failed: code ${grpcStatus}: ${grpcMessage}`;
      const status = servingStatus(body);
      return status === SERVING ? undefined : `service unhealthy (responded with "${STATUSES[status] ?? status}")`;
    }
  }
}

/** Of a `HealthCheckResponse`: one field, a number below 128; what is not sent is 0. */
function servingStatus(body: Uint8Array): number {
  return body.length >= PREFIX_BYTES + 2 && body[PREFIX_BYTES] === 0x08 ? (body[PREFIX_BYTES + 1] ?? 0) : 0;
}
