/** What a program has for reaching into pods: `cluster.exec` and `cluster.portForward`. */
import { Readable } from "node:stream";
import { InkubeError } from "../../protocols/errors.ts";
import type { ApiEndpoint, PortForward } from "./io/pod-streams.ts";
import { execInPod, forwardPort } from "./io/pod-streams.ts";

/** Output that is gathered. Of more, give a stream. */
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

export interface ExecOptions {
  /** "default" when absent. */
  readonly namespace?: string;
  /** The only one when absent. */
  readonly container?: string;
  readonly stdin?: string | Uint8Array | NodeJS.ReadableStream;
  /** Ends the command. */
  readonly signal?: AbortSignal;
}

export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface PortForwardOptions {
  /** "default" when absent. */
  readonly namespace?: string;
  /** Any that is free when absent. */
  readonly localPort?: number;
}

/** Errors: as `Cluster.exec`. */
export async function exec(
  endpoint: ApiEndpoint,
  pod: string,
  command: readonly string[],
  { namespace = "default", container, stdin, signal }: ExecOptions,
): Promise<ExecResult> {
  const gathered = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  let size = 0;
  const tooMuch = new AbortController();
  const signals = [tooMuch.signal, ...(signal === undefined ? [] : [signal])];
  const output = (stream: "stdout" | "stderr", bytes: Uint8Array): void => {
    size += bytes.length;
    if (size > OUTPUT_BYTES_MAX) tooMuch.abort();
    else gathered[stream].push(bytes);
  };
  const input = typeof stdin === "string" || stdin instanceof Uint8Array ? Readable.from([Buffer.from(stdin)]) : stdin;
  const asked = {
    pod,
    namespace,
    command,
    container,
    stdin: input,
    tty: false,
    signal: AbortSignal.any(signals),
    output,
  };
  try {
    const exitCode = await execInPod(endpoint, asked);
    const text = (stream: "stdout" | "stderr"): string => Buffer.concat(gathered[stream]).toString("utf8");
    return { exitCode, stdout: text("stdout"), stderr: text("stderr") };
  } catch (error) {
    if (!tooMuch.signal.aborted) throw error;
    throw new InkubeError("LIMIT_EXCEEDED", `the command wrote over ${OUTPUT_BYTES_MAX} bytes`);
  }
}

/** Errors: as `Cluster.portForward`. */
export function portForward(
  endpoint: ApiEndpoint,
  pod: string,
  port: number,
  { namespace = "default", localPort = 0 }: PortForwardOptions,
): Promise<PortForward> {
  return forwardPort(endpoint, { pod, namespace }, port, localPort);
}
