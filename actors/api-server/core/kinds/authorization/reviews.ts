/**
 * Who may do what: answered, never stored, and by what is so. Nobody asks the rules of RBAC yet: who is known may do everything.
 * Source: `pkg/registry/authorization`, `pkg/apis/authorization/validation`.
 */
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import type {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
  SubjectAccessReviewStatus,
} from "../../../../../protocols/kubernetes/types/authorization-v1.ts";
import { ANONYMOUS } from "../../identity.ts";
import { badRequest, invalid } from "../../machinery/status.ts";
import { FieldErrors } from "../../machinery/validation/field-errors.ts";
import type { KindRules } from "../rules.ts";

const REASON = "every authenticated user may do everything: inkube does not enforce RBAC yet";

function answerTo(user: string): SubjectAccessReviewStatus {
  return user === ANONYMOUS ? { allowed: false } : { allowed: true, reason: REASON };
}

type Asked = Pick<SubjectAccessReviewSpec, "resourceAttributes" | "nonResourceAttributes">;

function check(judge: (errors: FieldErrors) => void): void {
  const errors = new FieldErrors();
  judge(errors);
  if (errors.causes.length > 0) throw invalid({ group: "authorization.k8s.io", kind: "" }, "", errors.causes);
}

function checkAsked({ resourceAttributes, nonResourceAttributes }: Asked, errors: FieldErrors): void {
  if (resourceAttributes !== undefined && nonResourceAttributes !== undefined) {
    const detail = "cannot be specified in combination with resourceAttributes";
    errors.invalid("spec.nonResourceAttributes", nonResourceAttributes, detail);
  }
  if (resourceAttributes === undefined && nonResourceAttributes === undefined) {
    const detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
    errors.invalid("spec", null, detail);
  }
}

function checkSubject({ user = "", groups = [] }: SubjectAccessReviewSpec, errors: FieldErrors): void {
  if (user === "" && groups.length === 0) {
    errors.invalid("spec.user", user, "at least one of user or group must be specified");
  }
}

export const selfSubjectAccessReviewRules: KindRules = {
  virtual: (object: SelfSubjectAccessReview, { user }): KubernetesObject => {
    const { spec } = object;
    check((errors) => checkAsked(spec, errors));
    return { ...object, status: answerTo(user) } as KubernetesObject;
  },
};

export const subjectAccessReviewRules: KindRules = {
  virtual: (object: SubjectAccessReview): KubernetesObject => {
    const { spec } = object;
    check((errors) => {
      checkAsked(spec, errors);
      checkSubject(spec, errors);
    });
    return { ...object, status: answerTo(spec.user ?? "") } as KubernetesObject;
  },
};

export const localSubjectAccessReviewRules: KindRules = {
  virtual: (object: LocalSubjectAccessReview): KubernetesObject => {
    const { metadata, spec } = object;
    check((errors) => {
      checkAsked(spec, errors);
      checkSubject(spec, errors);
      const namespace = spec.resourceAttributes?.namespace;
      if (spec.resourceAttributes !== undefined && namespace !== metadata?.namespace) {
        errors.invalid("spec.resourceAttributes.namespace", namespace, "must match metadata.namespace");
      }
      if (spec.nonResourceAttributes !== undefined) {
        const detail = "disallowed on this kind of request";
        errors.invalid("spec.nonResourceAttributes", spec.nonResourceAttributes, detail);
      }
    });
    return { ...object, status: answerTo(spec.user ?? "") } as KubernetesObject;
  },
};

export const selfSubjectRulesReviewRules: KindRules = {
  virtual: (object: SelfSubjectRulesReview): KubernetesObject => {
    const { spec } = object;
    if (!spec.namespace) throw badRequest("no namespace on request");
    const status = {
      resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
      nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
      incomplete: false,
    };
    return { ...object, status } as KubernetesObject;
  },
};
