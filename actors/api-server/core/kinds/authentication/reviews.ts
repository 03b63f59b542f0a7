/** Who somebody is: answered, never stored. Source: `pkg/registry/authentication`. */
import type {
  SelfSubjectReview,
  TokenReview,
  UserInfo as ReviewedUser,
} from "../../../../../protocols/kubernetes/types/authentication-v1.ts";
import type { UserInfo } from "../../identity.ts";
import { badRequest } from "../../machinery/status.ts";
import { formatTime } from "../../machinery/time.ts";
import type { KindRules } from "../rules.ts";

export const selfSubjectReviewRules: KindRules = {
  virtual: (object: SelfSubjectReview, caller): SelfSubjectReview => ({
    ...object,
    metadata: { ...object.metadata, creationTimestamp: formatTime(caller.nowMs) },
    status: { userInfo: reviewed(caller) },
  }),
};

export const tokenReviewRules: KindRules = {
  tokenOf: ({ spec: { token, audiences } }: TokenReview) => {
    if (!token) throw badRequest("token is required for TokenReview in authentication");
    return { token, ...(audiences?.length ? { audiences } : {}) };
  },
  virtual: (object: TokenReview, { authentication }): TokenReview => {
    if (authentication?.user !== undefined) {
      const { user, audiences } = authentication;
      return { ...object, status: { authenticated: true, user: reviewed(user), audiences } };
    }
    const why = authentication?.error;
    const error = why === undefined ? "invalid bearer token" : `[invalid bearer token, ${why}]`;
    return { ...object, status: { user: {}, error } };
  },
};

function reviewed({ user, uid, groups, extra }: UserInfo): ReviewedUser {
  return {
    username: user,
    ...(uid === undefined ? {} : { uid }),
    groups,
    ...(extra === undefined ? {} : { extra }),
  };
}
