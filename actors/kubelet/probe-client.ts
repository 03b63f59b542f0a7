/** Asks a container over the network: what `httpGet`, `tcpSocket` and `grpc` of probes and hooks do. */
import { InkubeError } from "../../protocols/errors.ts";
import type { GRPCAction, HTTPGetAction } from "../../protocols/kubernetes/types/core-v1.ts";
import type { Context } from "../../runtime/actor.ts";
import type { Address, Connection } from "../../runtime/net.ts";
import { healthFault } from "./core/grpc-health.ts";
import { getRequest, statusOfAnswer } from "./core/http.ts";
import type { HealthSource } from "./kubelet-io.ts";

export interface ProbeAnswer {
  readonly isSuccess: boolean;
  /** It could not be carried out: it tells nothing about the container. */
  readonly isUnknown?: boolean;
  /** For the event, when it failed. */
  readonly output: string;
}

export async function probeTcp(ctx: Context<unknown>, address: Address, timeoutMs: number): Promise<ProbeAnswer> {
  try {
    (await ctx.net.connect(address, { timeoutMs })).destroy();
    return { isSuccess: true, output: "" };
  } catch (error) {
    return failed(error);
  }
}

/** Success is a status from 200 to 399. An HTTPS answer isn't read: that a connection is taken is all that is checked. */
export async function probeHttp(
  ctx: Context<unknown>,
  action: HTTPGetAction,
  address: Address,
  timeoutMs: number,
): Promise<ProbeAnswer> {
  if (action.scheme === "HTTPS") return await probeTcp(ctx, address, timeoutMs);
  const deadlineMs = ctx.clock.monotonicMs() + timeoutMs;
  let connection: Connection;
  try {
    connection = await ctx.net.connect(address, { timeoutMs });
  } catch (error) {
    return failed(error);
  }
  const status = await readStatus(ctx, connection, getRequest(action, address.host, address.port), deadlineMs);
  connection.destroy();
  if (typeof status === "string") return { isSuccess: false, output: status };
  if (status >= 200 && status < 400) return { isSuccess: true, output: "" };
  return { isSuccess: false, output: `HTTP probe failed with statuscode: ${status}` };
}

export async function probeGrpc(
  health: HealthSource | undefined,
  address: Address,
  { service = "", mode }: GRPCAction,
  timeoutMs: number,
): Promise<ProbeAnswer> {
  if (health === undefined) return { isSuccess: false, isUnknown: true, output: "nobody speaks gRPC on this host" };
  const answer = await health(address, { service, isTls: mode === "TLS" }, timeoutMs);
  const fault = healthFault(answer, `${address.host}:${address.port}`, timeoutMs);
  return { isSuccess: fault === undefined, output: fault ?? "" };
}

/** The answer's status, or why there is none. */
function readStatus(
  ctx: Context<unknown>,
  connection: Connection,
  request: Uint8Array,
  deadlineMs: number,
): Promise<number | string> {
  return new Promise((resolve) => {
    let received: Uint8Array = new Uint8Array(0);
    const timer = ctx.clock.after(Math.max(0, deadlineMs - ctx.clock.monotonicMs()), () =>
      end("the answer did not come in time"),
    );
    const end = (result: number | string): void => {
      timer.cancel();
      resolve(result);
    };
    connection.onData((bytes) => {
      const joined = new Uint8Array(received.length + bytes.length);
      joined.set(received);
      joined.set(bytes, received.length);
      received = joined;
      const status = statusOfAnswer(received);
      if (status !== "incomplete") end(status ?? "the answer is no HTTP");
    });
    connection.onEnd(() => end("the connection ended without an answer"));
    connection.onClose((error) => end(error?.message ?? "the connection closed without an answer"));
    connection.write(request);
  });
}

function failed(error: unknown): ProbeAnswer {
  if (!(error instanceof InkubeError)) throw error;
  return { isSuccess: false, output: error.message };
}
