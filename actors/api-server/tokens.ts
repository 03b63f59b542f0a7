/** Bearer tokens: those that the server was started with, those by which nodes begin, and those of ServiceAccounts, which it also makes. */
import { hasReason } from "../../protocols/api-server.ts";
import type { TokenRequest } from "../../protocols/kubernetes/types/authentication-v1.ts";
import type { Secret, ServiceAccount } from "../../protocols/kubernetes/types/core-v1.ts";
import type { Context } from "../../runtime/actor.ts";
import type { Authentication, UserInfo } from "./core/identity.ts";
import { usersOfTokens } from "./core/identity.ts";
import { noSuchResource, notFound } from "./core/machinery/status.ts";
import type { Answer } from "./core/registry/answers.ts";
import { plainAnswer, withWarnings } from "./core/registry/answers.ts";
import type { BootstrapToken } from "./core/tokens/bootstrap-token.ts";
import { bootstrapToken, secretOfToken, userOfBootstrapToken } from "./core/tokens/bootstrap-token.ts";
import type { Claims, Find } from "./core/tokens/claims.ts";
import { commonAudiences, faultOfClaims, readClaims, userOfClaims } from "./core/tokens/claims.ts";
import type { TokenOrder } from "./core/tokens/token-request.ts";
import { checkTokenName, orderToken } from "./core/tokens/token-request.ts";
import type { ObjectPlace } from "./core/registry/place.ts";
import type { Registry, RequestScope } from "./registry.ts";
import { keyOf } from "./core/registry/place.ts";
import type { ApiServerOptions } from "./spec.ts";
import type { PublishedKeys, TokenKeys } from "./token-keys.ts";

/** Tokens whose signature need not be checked again: one for each pod of a large cluster, in some megabytes. */
const VERIFIED_MAX = 4_096;

export class Tokens {
  private readonly ctx: Context<ApiServerOptions>;
  private readonly registry: Registry;
  private readonly keys: TokenKeys;
  private readonly known: ReadonlyMap<string, UserInfo>;
  /** What signed tokens say, the one used longest ago first. */
  private readonly verified = new Map<string, Claims>();

  constructor(ctx: Context<ApiServerOptions>, registry: Registry, keys: TokenKeys) {
    this.ctx = ctx;
    this.registry = registry;
    this.keys = keys;
    this.known = usersOfTokens(ctx.options.tokens);
  }

  /** Whom a token of the server's own list names. */
  userOf(token: string): UserInfo | undefined {
    return this.known.get(token);
  }

  /** @param audiences for which of these; absent: for the API servers */
  async authenticate(token: string, audiences?: readonly string[]): Promise<Authentication> {
    const own = this.ctx.options.serviceAccounts.audiences;
    const wanted = audiences ?? own;
    const user = this.known.get(token);
    if (user !== undefined) {
      const common = commonAudiences(own, wanted);
      return "error" in common ? {} : { user, audiences: common.audiences };
    }
    const bootstrap = bootstrapToken(token);
    if (bootstrap !== undefined) return this.begun(bootstrap, commonAudiences(own, wanted));
    const signed = await this.verify(token);
    if ("error" in signed) return signed.error === undefined ? {} : { error: signed.error };
    const { claims } = signed;
    const common = commonAudiences(claims.aud, wanted);
    if ("error" in common) return common;
    const fault = await this.faultOf(claims);
    return fault === undefined ? { user: userOfClaims(claims), audiences: common.audiences } : { error: fault };
  }

  /** One that the cache does not know may have been made a moment ago. */
  private async begun(token: BootstrapToken, common: ReturnType<typeof commonAudiences>): Promise<Authentication> {
    const { clock, options } = this.ctx;
    const userNow = (): UserInfo | undefined =>
      userOfBootstrapToken(
        token,
        this.find("/registry/secrets", secretOfToken(token)) as Secret | undefined,
        clock.nowMs(),
      );
    let user = userNow();
    if (user === undefined) {
      await this.registry.store.consistent(clock.monotonicMs() + options.requestTimeoutMs);
      user = userNow();
    }
    if (user === undefined || "error" in common) return {};
    return { user, audiences: common.audiences };
  }

  /** `serviceaccounts/<name>/token`. */
  async request(scope: RequestScope, place: ObjectPlace, request: TokenRequest): Promise<Answer> {
    const { serviceAccounts } = this.ctx.options;
    if (serviceAccounts.signingKey === "") throw noSuchResource();
    checkTokenName(request, place.name);
    const { claims, warnings, answer } = await this.order(scope, place, request);
    const token = await this.keys.sign(claims);
    return withWarnings(plainAnswer({ ...answer, status: { token, ...answer.status } } as object, 201), warnings);
  }

  /** A refusal that rests on a cache that lags is decided again on what a quorum says. */
  private async order(scope: RequestScope, place: ObjectPlace, request: TokenRequest): Promise<TokenOrder> {
    const { clock, ids, options } = this.ctx;
    const context = { find: this.find, nowMs: clock.nowMs(), jti: ids.uuid() };
    const orderNow = (): TokenOrder => {
      const account = this.find(place.served.info.storagePrefix ?? "", keyOf(place));
      if (account === undefined) throw notFound(place.served.info, place.name);
      return orderToken(request, account as ServiceAccount, options.serviceAccounts, context);
    };
    try {
      return orderNow();
    } catch (error) {
      if (!hasReason(error, "NotFound", "Conflict", "BadRequest")) throw error;
      await this.registry.store.consistent(scope.deadlineMs);
      return orderNow();
    }
  }

  published(): Promise<PublishedKeys> {
    return this.keys.published();
  }

  private async verify(token: string): Promise<{ readonly claims: Claims } | { readonly error: string | undefined }> {
    const known = this.verified.get(token);
    if (known !== undefined) {
      this.verified.delete(token);
      this.verified.set(token, known);
      return { claims: known };
    }
    const { payload, error } = await this.keys.verify(token);
    const claims = readClaims(payload);
    if (claims === undefined) return { error };
    this.verified.set(token, claims);
    const [oldest] = this.verified.keys();
    if (this.verified.size > VERIFIED_MAX && oldest !== undefined) this.verified.delete(oldest);
    return { claims };
  }

  /** A refusal that rests on a cache that lags is decided again on what a quorum says. */
  private async faultOf(claims: Claims): Promise<string | undefined> {
    const { clock, options } = this.ctx;
    if (faultOfClaims(claims, clock.nowMs(), this.find) === undefined) return undefined;
    await this.registry.store.consistent(clock.monotonicMs() + options.requestTimeoutMs);
    return faultOfClaims(claims, clock.nowMs(), this.find);
  }

  private readonly find: Find = (prefix, key) => this.registry.store.cache(prefix).newest(key)?.object;
}
