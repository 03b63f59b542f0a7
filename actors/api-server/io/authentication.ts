/** Who a client is: by the certificate of its connection, or by the bearer token of its request. */
import type { Http2Session } from "node:http2";
import type { TLSSocket } from "node:tls";
import type { UserInfo } from "../core/identity.ts";
import { AUTHENTICATED } from "../core/identity.ts";
import type { Tokens } from "../tokens.ts";
import type { ArrivedRequest } from "./http-messages.ts";

/** Undefined where nothing vouches for anybody. */
type Identified = ReturnType<ArrivedRequest["identify"]>;

const BEARER = /^bearer (\S+)$/i;

export class Authenticator {
  private readonly tokens: Tokens;
  private readonly bySocket = new WeakMap<object, UserInfo | null>();

  constructor(tokens: Tokens) {
    this.tokens = tokens;
  }

  /** A promise only where a signature is to be looked at. */
  ofSession(session: Http2Session, authorization: string | undefined): Identified {
    if (authorization !== undefined) return this.ofAuthorization(authorization);
    const known = this.bySocket.get(session);
    if (known !== undefined) return known ?? undefined;
    const user = userOfCertificate(session.socket as TLSSocket);
    this.bySocket.set(session, user ?? null);
    return user;
  }

  ofSocket(socket: TLSSocket, authorization: string | undefined): Identified {
    if (authorization !== undefined) return this.ofAuthorization(authorization);
    const known = this.bySocket.get(socket);
    if (known !== undefined) return known ?? undefined;
    const user = userOfCertificate(socket);
    this.bySocket.set(socket, user ?? null);
    return user;
  }

  /** By the value of that header. */
  ofAuthorization(authorization: string): Identified {
    const token = BEARER.exec(authorization)?.[1];
    if (token === undefined) return undefined;
    return this.tokens.userOf(token) ?? this.tokens.authenticate(token).then(({ user }) => user);
  }
}

/** CN is the user, O the groups, if the cluster's authority has signed it. */
function userOfCertificate(socket: TLSSocket): UserInfo | undefined {
  if (!socket.authorized) return undefined;
  const subject = socket.getPeerCertificate().subject as
    | { readonly CN?: string | readonly string[]; readonly O?: string | readonly string[] }
    | undefined;
  const names = listOf(subject?.CN);
  const [user] = names;
  // As kube-apiserver: a certificate without a common name names nobody.
  return user === undefined || user === "" ? undefined : { user, groups: [...listOf(subject?.O), AUTHENTICATED] };
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === "string" ? [value] : value;
}
