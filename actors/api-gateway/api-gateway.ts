/**
 * Stands for an API server that runs elsewhere: what the actors of this process ask by message is asked of it over HTTPS, as the
 * node that they are of. Requests and watches are one to one; whatever is tried again, and where a watch goes on, is decided by
 * those who ask, as with an API server in this process.
 */
import type { ApiRequest, ApiServerMethods, ApiWatchEvent, ApiWatchRequest } from "../../protocols/api-server.ts";
import { apiServerProtocol } from "../../protocols/api-server.ts";
import type { KubernetesList, KubernetesObject } from "../../protocols/api-server.ts";
import { InkubeError } from "../../protocols/errors.ts";
import type { ActorDefinition, Context, Incoming, Sink } from "../../runtime/actor.ts";
import { defineActor } from "../../runtime/actor.ts";
import { Lines, objectOf, refusal, watchEvent } from "./core/answers.ts";
import type { HttpRequest } from "./core/http-request.ts";
import { httpRequest, listRequest, watchRequest } from "./core/http-request.ts";
import type { ApiGatewayOptions } from "./spec.ts";
import type { HttpAnswer, OpenTransport, Transport } from "./transport.ts";

const HTTP_ERROR_MIN = 400;

export function apiGatewayActor(openTransport: OpenTransport): ActorDefinition<ApiServerMethods, ApiGatewayOptions> {
  return defineActor(apiServerProtocol, (ctx: Context<ApiGatewayOptions>) => {
    const gateway = new ApiGateway(ctx, openTransport(ctx.options));
    ctx.onEnd(() => gateway.close());
    return {
      handlers: {
        request: (request, message) => gateway.request(request, message),
        watch: (request, sink) => gateway.watch(request, sink),
        ready: (_request, message) => gateway.ready(message),
        serve: notHere,
        withdraw: notHere,
        readiness: (_request, sink) => sink.end(elsewhere()),
        witness: (_request, sink) => sink.end(elsewhere()),
      },
      stop: () => gateway.close(),
    };
  });
}

function elsewhere(): InkubeError {
  return new InkubeError("INVALID_ARGUMENT", "the API server runs elsewhere: it can be asked what its clients ask");
}

function notHere(): never {
  throw elsewhere();
}

class ApiGateway {
  private readonly ctx: Context<ApiGatewayOptions>;
  private readonly transport: Transport;

  constructor(ctx: Context<ApiGatewayOptions>, transport: Transport) {
    this.ctx = ctx;
    this.transport = transport;
  }

  async request(request: ApiRequest, { from, signal }: Incoming): Promise<{ readonly object: KubernetesObject }> {
    return { object: await this.ask(httpRequest(request), from, signal) };
  }

  async ready({ from, signal }: Incoming): Promise<{ readonly resourceVersion: string }> {
    const answer = await this.reach(() =>
      this.transport.ask({ method: "GET", path: "/readyz" }, agentOf(from), signal),
    );
    if (answer.code >= HTTP_ERROR_MIN) throw refusal(answer.code, answer.text, answer.retryAfter);
    return { resourceVersion: "0" };
  }

  async watch(request: ApiWatchRequest, sink: Sink<ApiWatchEvent>): Promise<void> {
    const resourceVersion = request.resourceVersion ?? (await this.present(request, sink));
    if (sink.signal.aborted) return;
    const lines = new Lines(this.ctx.options.answerBytesMax);
    let over = false;
    const end = (error?: Error): void => {
      if (over) return;
      over = true;
      sink.end(error);
    };
    const stop = this.transport.watch(watchRequest(request, resourceVersion), agentOf(sink.from), {
      refused: ({ code, text, retryAfter }) => end(refusal(code, text, retryAfter)),
      data: (bytes) => {
        if (over) return;
        try {
          for (const line of lines.take(bytes)) sink.push(watchEvent(line));
        } catch (error) {
          if (!(error instanceof InkubeError)) throw error;
          end(error);
          stop();
        }
      },
      end: (error) => end(error === undefined ? undefined : this.down(error)),
    });
    sink.signal.addEventListener("abort", stop);
  }

  /** Tells the present objects, and the revision that they are of. */
  private async present(request: ApiWatchRequest, sink: Sink<ApiWatchEvent>): Promise<string> {
    const limit = this.ctx.options.listPageSize;
    let more: { readonly continue?: string } = {};
    for (;;) {
      const asked = listRequest(request, { limit, ...more });
      const page = (await this.ask(asked, sink.from, sink.signal)) as KubernetesList;
      for (const object of page.items) sink.push({ type: "ADDED", object });
      const { resourceVersion } = page.metadata;
      if (!page.metadata.continue) {
        sink.push({ type: "BOOKMARK", object: { metadata: { resourceVersion } } });
        return resourceVersion;
      }
      more = { continue: page.metadata.continue };
    }
  }

  close(): void {
    this.transport.close();
  }

  private async ask(request: HttpRequest, from: string, signal: AbortSignal): Promise<KubernetesObject> {
    const { code, text, retryAfter } = await this.reach(() => this.transport.ask(request, agentOf(from), signal));
    if (code >= HTTP_ERROR_MIN) throw refusal(code, text, retryAfter);
    return objectOf(text);
  }

  private async reach(ask: () => Promise<HttpAnswer>): Promise<HttpAnswer> {
    try {
      return await ask();
    } catch (error) {
      throw this.down(error as Error);
    }
  }

  /** To who asks it is as if the server's actor were down: nobody knows whether what was asked is done, and another may know better. */
  private down(error: Error): Error {
    if (!(error instanceof InkubeError) || error.code !== "CONNECTION_FAILED") return error;
    this.ctx.log.warn("the API server can't be reached", { server: this.ctx.options.server, error: error.message });
    return new InkubeError("ACTOR_DOWN", `${this.ctx.options.server}: ${error.message}`, { retryable: true });
  }
}

/** By which the API server knows whose the fields are that it writes: `kubelet`, `kube-proxy`. */
function agentOf(from: string): string {
  return `${from.slice(from.lastIndexOf("/") + 1)}/inkube`;
}
