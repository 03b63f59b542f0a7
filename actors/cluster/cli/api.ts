/** HTTPS requests to a cluster's API, for the commands. Every failure says what to do about it. */
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { statusError } from "../../../protocols/api-server.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import type { Status } from "../../../protocols/kubernetes/types/meta-v1.ts";
import type { Connection } from "./kubeconfig-file.ts";

export interface ApiCall {
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE";
  /** With its query. */
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  /** Ends what streams. */
  readonly signal?: AbortSignal;
}

/** An API server that dies takes its connections with it; another answers on the same address within milliseconds. */
const RETRIES = { max: 5, pauseMs: 100 };
/** As kubectl: none for streams, and this for the rest of the answers' first byte. */
const ANSWER_TIMEOUT_MS = 30_000;
const BROKEN = ["ECONNREFUSED", "ECONNRESET", "EPIPE"];

export class Api {
  private readonly connection: Connection;
  private readonly agent: Agent;

  constructor(connection: Connection) {
    this.connection = connection;
    this.agent = new Agent({
      keepAlive: true,
      ...(connection.authority === undefined ? {} : { ca: connection.authority }),
      ...(connection.certificate === undefined ? {} : { cert: connection.certificate }),
      ...(connection.key === undefined ? {} : { key: connection.key }),
    });
  }

  /** The answer's JSON. Errors: KUBERNETES_STATUS, CLUSTER_UNREACHABLE, CLUSTER_UNTRUSTED. */
  async json<T>(call: ApiCall): Promise<T> {
    const text = await readAll(await this.open(call));
    return JSON.parse(text) as T;
  }

  /** The answer's body as it comes. Errors as `json`. */
  async open(call: ApiCall): Promise<IncomingMessage> {
    const repeatable = (call.method ?? "GET") === "GET";
    for (let attempt = 0; ; attempt++) {
      try {
        const answer = await this.send(call);
        if ((answer.statusCode ?? 500) < 400) return answer;
        throw refusal(answer.statusCode ?? 500, await readAll(answer));
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? "";
        const unsent = code === "ECONNREFUSED";
        if (!BROKEN.includes(code) || (!repeatable && !unsent) || attempt >= RETRIES.max) throw this.explain(error);
        await sleep(RETRIES.pauseMs);
      }
    }
  }

  close(): void {
    this.agent.destroy();
  }

  private send(call: ApiCall): Promise<IncomingMessage> {
    const { token, server } = this.connection;
    const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    const headers = {
      accept: call.accept ?? "application/json",
      "user-agent": "inkube",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined
        ? {}
        : { "content-type": call.contentType ?? "application/json", "content-length": body.length }),
    };
    return new Promise((resolve, reject) => {
      const outgoing = request(new URL(call.path, server), {
        method: call.method ?? "GET",
        agent: this.agent,
        headers,
        ...(call.signal === undefined ? {} : { signal: call.signal }),
      });
      const late = setTimeout(() => outgoing.destroy(new Error("no answer came in time")), ANSWER_TIMEOUT_MS);
      outgoing.on("response", (answer) => {
        clearTimeout(late);
        resolve(answer);
      });
      outgoing.on("error", (error) => {
        clearTimeout(late);
        reject(error);
      });
      outgoing.end(body);
    });
  }

  private explain(error: unknown): unknown {
    if (error instanceof InkubeError) return error;
    const { code, message, name } = error as NodeJS.ErrnoException;
    if (name === "AbortError") return error;
    const { server } = this.connection;
    if (code !== undefined && (code.includes("CERT") || code.includes("SIGNATURE") || code.startsWith("ERR_TLS"))) {
      return new InkubeError(
        "CLUSTER_UNTRUSTED",
        `${server} is not the cluster of this kubeconfig (${message}); it may be left over from an earlier one`,
        { cause: error },
      );
    }
    return new InkubeError(
      "CLUSTER_UNREACHABLE",
      `no cluster answers at ${server} (${code ?? message}); start one with "inkube up", or name the kubeconfig of a running one with --kubeconfig`,
      { cause: error, retryable: true },
    );
  }
}

async function readAll(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function refusal(code: number, body: string): InkubeError {
  let status: Status = { status: "Failure", code, message: body.trim() === "" ? `HTTP ${code}` : body.trim() };
  try {
    const parsed = JSON.parse(body) as Status & { readonly kind?: string };
    if (parsed.kind === "Status") status = parsed;
  } catch {
    // Not every answer is a Status; the text itself is the message then.
  }
  if (code === 401) status = { ...status, message: "the kubeconfig's credentials are not this cluster's" };
  return statusError(status);
}

/** The lines of a streamed body. Ends when the body does, also when its server dies; an incomplete last line is dropped then. */
export async function* linesOf(answer: IncomingMessage): AsyncGenerator<string> {
  let rest = "";
  answer.setEncoding("utf8");
  try {
    for await (const chunk of answer) {
      const parts = (rest + (chunk as string)).split("\n");
      rest = parts.pop() ?? "";
      yield* parts;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ECONNRESET") return;
    throw error;
  }
  if (rest !== "") yield rest;
}
