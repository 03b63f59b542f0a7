/** `fetch` over the virtual `https.request`; the rest of it, such as `Response`, is Node's own and needs no network. */
import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import { Readable } from "node:stream";

type SendRequest = (
  url: URL,
  options: RequestOptions,
  onResponse: (incoming: IncomingMessage) => void,
) => ClientRequest;

/** Statuses whose answers have no body. Source: Fetch, "null body status". */
const WITHOUT_BODY: readonly number[] = [101, 103, 204, 205, 304];

export function virtualFetch(http: object, https: object): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    const body = request.body === null ? undefined : Buffer.from(await request.arrayBuffer());
    const { request: send } = (url.protocol === "https:" ? https : http) as { readonly request: SendRequest };
    const headers = Object.fromEntries(request.headers);
    if (body !== undefined) headers["content-length"] = String(body.length);
    const { signal, method } = request;
    if (signal.aborted) throw signal.reason;
    return new Promise((resolve, reject) => {
      const outgoing = send(url, { method, headers }, (incoming) => {
        const abort = (): void => void incoming.destroy(signal.reason as Error);
        signal.addEventListener("abort", abort, { once: true });
        incoming.once("close", () => signal.removeEventListener("abort", abort));
        resolve(responseOf(incoming));
      });
      const abort = (): void => {
        reject(signal.reason as Error);
        outgoing.destroy();
      };
      signal.addEventListener("abort", abort, { once: true });
      outgoing.once("close", () => signal.removeEventListener("abort", abort));
      outgoing.on("error", (error) => reject(new TypeError("fetch failed", { cause: error })));
      outgoing.end(body);
    });
  };
}

function responseOf(incoming: IncomingMessage): Response {
  const { statusCode: status = 0, statusMessage: statusText = "", rawHeaders } = incoming;
  const headers = new Headers();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) headers.append(rawHeaders[at]!, rawHeaders[at + 1]!);
  const hasBody = !WITHOUT_BODY.includes(status);
  if (!hasBody) incoming.resume();
  const body = hasBody ? (Readable.toWeb(incoming) as ReadableStream<Uint8Array>) : null;
  return new Response(body, { status, statusText, headers });
}
