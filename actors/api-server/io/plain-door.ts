/** The HTTP door of the simulation: HTTP/1.1 without TLS over the actor's own `Net`. A client is who its bearer token says. */
import type { InkubeError } from "../../../protocols/errors.ts";
import type { Address, Connection, Listener, Net } from "../../../runtime/net.ts";
import type { Backend, Door, OpenDoor } from "../backend.ts";
import { failure, requestEntityTooLarge } from "../core/machinery/status.ts";
import { statusError } from "../../../protocols/api-server.ts";
import { Authenticator } from "./authentication.ts";
import type { ArrivedRequest } from "./http-messages.ts";
import { AUDIT_ID, auditIdOf } from "./http-messages.ts";
import type { PlainRequest } from "./plain-http.ts";
import { PlainAnswer, PlainRequests } from "./plain-http.ts";
import { Rest } from "./rest.ts";

/** What goes to a node, where nobody answers in the simulation. */
const BEYOND =
  /^\/api\/v1\/(?:namespaces\/[^/]+\/)?(?:pods|services|nodes)\/[^/]+\/(log|exec|attach|portforward|proxy)\b/;

/** Listens from the start on. */
export function plainDoor(net: Net, address: Address): OpenDoor {
  return (backend) => new PlainDoor(backend, net, address);
}

class PlainDoor implements Door {
  private readonly backend: Backend;
  private readonly rest: Rest;
  private readonly authenticator: Authenticator;
  private readonly address: Address;
  private readonly listening: Promise<Listener>;

  constructor(backend: Backend, net: Net, address: Address) {
    this.backend = backend;
    // Work takes no time here, and so a turn none.
    this.rest = new Rest(backend, new Map(), { next: queueMicrotask, afterAll: queueMicrotask });
    this.authenticator = new Authenticator(backend.tokens);
    this.address = address;
    this.listening = net.listen(address, (connection) => this.accept(connection));
    this.listening.catch((error: unknown) => backend.crash(error));
  }

  serve(): Promise<number> {
    return Promise.resolve(this.address.port);
  }

  withdraw(): void {
    this.rest.endWatches();
  }

  async close(): Promise<void> {
    this.withdraw();
    await (await this.listening).close();
    this.rest.close();
  }

  private accept(connection: Connection): void {
    void new PlainRequests(connection, (request, done) => this.handle(connection, request, done));
  }

  private handle(connection: Connection, plain: PlainRequest, done: () => void): void {
    const { method, url, headers, rawHeaders, body } = plain;
    const auditId = (headers[AUDIT_ID] === undefined ? "" : auditIdOf(rawHeaders)) || this.backend.newId();
    const date = new Date(this.backend.nowMs()).toUTCString();
    const answer = new PlainAnswer(connection, { auditId, isHead: method === "HEAD", date }, done);
    const { "accept-encoding": _unused, ...uncompressed } = headers;
    const request: ArrivedRequest = {
      method,
      url,
      // Node compresses beside the simulation's time.
      headers: uncompressed,
      auditId,
      rawHeaders,
      user: undefined,
      identify: () =>
        headers["authorization"] === undefined
          ? undefined
          : this.authenticator.ofAuthorization(headers["authorization"]),
      localAddress: headers["host"] ?? "",
      remoteAddress: () => connection.remote.host,
      body,
    };
    const { bodyBytesMax } = this.backend.options;
    if (body.length > bodyBytesMax) {
      return this.rest.refuse(request, answer, requestEntityTooLarge(bodyBytesMax));
    }
    const beyond = BEYOND.exec(url)?.[1];
    if (beyond !== undefined) return this.rest.refuse(request, answer, notSimulated(beyond));
    this.rest.handle(request, answer).catch((error: unknown) => this.backend.crash(error));
  }
}

function notSimulated(subresource: string): InkubeError {
  const message = `the simulation has nobody at the nodes who would answer ${subresource}`;
  return statusError(failure(501, "NotImplemented", message, {}));
}
