/** Who somebody is: answered, never stored. Source: `pkg/registry/authentication`. */
import type { SelfSubjectReview, TokenReview } from "../../../../../protocols/kubernetes/types/authentication-v1.ts";
import { badRequest } from "../../machinery/status.ts";
import type { KindRules } from "../rules.ts";

export const selfSubjectReviewRules: KindRules = {
  virtual: (object: SelfSubjectReview, { user, groups }): SelfSubjectReview => ({
    ...object,
    status: { userInfo: { username: user, groups } },
  }),
};

export const tokenReviewRules: KindRules = {
  virtual: (object: TokenReview, { userOfToken }): TokenReview => {
    const { spec } = object;
    if (!spec.token) throw badRequest("token is required for TokenReview in authentication");
    const found = userOfToken(spec.token);
    const status = found && {
      authenticated: true,
      user: { username: found.user, groups: found.groups },
      ...(spec.audiences === undefined ? {} : { audiences: spec.audiences }),
    };
    return { ...object, spec, status: status ?? { user: {}, error: "invalid bearer token" } };
  },
};
