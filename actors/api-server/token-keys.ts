/** The cluster's key for the tokens of ServiceAccounts, as the shell sees it: cryptography is the outside world's. */
import type { IsSigned } from "./core/kinds/rules.ts";
import type { Claims } from "./core/tokens/claims.ts";
import type { ServiceAccountOptions } from "./spec.ts";

/** What a JWT says (RFC 7519), if one of the keys has signed it; or why that can't be believed; or nothing for what is none of this issuer. */
export type SignedPayload =
  | { readonly payload: unknown; readonly error?: undefined }
  | { readonly payload?: undefined; readonly error?: string };

/** A JSON Web Key Set's keys (RFC 7517), public parts only, and the algorithms that go with them. */
export interface PublishedKeys {
  readonly keys: readonly object[];
  readonly algorithms: readonly string[];
}

export interface TokenKeys {
  sign(claims: Claims): Promise<string>;
  /** Never rejects over what the token is. */
  verify(token: string): Promise<SignedPayload>;
  published(): Promise<PublishedKeys>;
  /** Whether a request is signed with the key that it brings. */
  readonly isSigned: IsSigned;
}

export type OpenTokenKeys = (options: ServiceAccountOptions) => TokenKeys;
