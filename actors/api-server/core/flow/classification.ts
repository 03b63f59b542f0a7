/**
 * Which FlowSchema a request is of, and which flow of it. Source: KEP-1040; apiserver `util/flowcontrol/rule.go`.
 * What depends on the user alone is found out once for each; of most users the first schema takes whatever they ask.
 */
import type {
  FlowSchema,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
  Subject,
} from "../../../../protocols/kubernetes/types/flowcontrol-v1.ts";
import type { UserInfo } from "../identity.ts";
import type { RequestInfo } from "../rest/request-info.ts";

export interface FlowOrigin {
  readonly schema: FlowSchema;
  readonly user: UserInfo;
}

interface Candidate {
  readonly origin: FlowOrigin;
  /** Those of its rules that name the user. */
  readonly rules: readonly PolicyRulesWithSubjects[];
  readonly takesAll: boolean;
}

interface Known {
  readonly groups: readonly string[];
  readonly candidates: readonly Candidate[];
}

/** Of how many users it is remembered: of more of them those that come are found out anew. */
const USERS_MAX = 4_096;

export class Classification {
  private readonly schemas: readonly FlowSchema[];
  private known = new Map<string, Known>();

  /** @param schemas that name levels there are; of those of one precedence the first by name counts */
  constructor(schemas: readonly FlowSchema[]) {
    this.schemas = [...schemas].sort((a, b) => precedenceOf(a) - precedenceOf(b) || (nameOf(a) < nameOf(b) ? -1 : 1));
  }

  /** Undefined: no schema takes it. */
  of(user: UserInfo, info: () => RequestInfo): FlowOrigin | undefined {
    for (const { takesAll, rules, origin } of this.candidates(user)) {
      if (takesAll || rules.some((rule) => takes(rule, info()))) return origin;
    }
    return undefined;
  }

  private candidates(user: UserInfo): readonly Candidate[] {
    const known = this.known.get(user.user);
    if (known !== undefined && sameGroups(known.groups, user.groups)) return known.candidates;
    const candidates: Candidate[] = [];
    for (const schema of this.schemas) {
      const rules = (schema.spec?.rules ?? []).filter(({ subjects }) => subjects.some((each) => names(each, user)));
      if (rules.length === 0) continue;
      const takesAll = rules.some(isForAll);
      candidates.push({ origin: { schema, user }, rules, takesAll });
      if (takesAll) break;
    }
    if (this.known.size >= USERS_MAX) this.known = new Map();
    this.known.set(user.user, { groups: user.groups, candidates });
    return candidates;
  }
}

/** By whom or by what the requests of a schema are told apart; "" where they are not. */
export function distinguisher({ schema, user }: FlowOrigin, info: () => RequestInfo): string {
  switch (schema.spec?.distinguisherMethod?.type) {
    case "ByUser":
      return user.user;
    case "ByNamespace":
      return info().resource?.namespace ?? "";
    case undefined:
    default:
      return "";
  }
}

function precedenceOf({ spec }: FlowSchema): number {
  return spec?.matchingPrecedence ?? 0;
}

function nameOf({ metadata }: FlowSchema): string {
  return metadata?.name ?? "";
}

function sameGroups(some: readonly string[], others: readonly string[]): boolean {
  return some === others || (some.length === others.length && some.every((group, i) => group === others[i]));
}

const ACCOUNT = "system:serviceaccount:";

function names({ kind, user, group, serviceAccount }: Subject, by: UserInfo): boolean {
  switch (kind) {
    case "User":
      return user?.name === "*" || user?.name === by.user;
    case "Group":
      return group?.name === "*" || by.groups.includes(group?.name ?? "");
    case "ServiceAccount": {
      const { namespace = "", name = "" } = serviceAccount ?? {};
      const whole = `${ACCOUNT}${namespace}:`;
      return name === "*" ? by.user.startsWith(whole) : by.user === whole + name;
    }
    default:
      return false;
  }
}

function isForAll({ resourceRules = [], nonResourceRules = [] }: PolicyRulesWithSubjects): boolean {
  const allResources = resourceRules.some(
    ({ verbs, apiGroups, resources, clusterScope, namespaces = [] }) =>
      clusterScope === true && [verbs, apiGroups, resources, namespaces].every((values) => values.includes("*")),
  );
  return (
    allResources && nonResourceRules.some((rule) => rule.verbs.includes("*") && rule.nonResourceURLs.includes("*"))
  );
}

function takes({ resourceRules = [], nonResourceRules = [] }: PolicyRulesWithSubjects, info: RequestInfo): boolean {
  return info.resource === undefined
    ? nonResourceRules.some((rule) => takesPath(rule, info))
    : resourceRules.some((rule) => takesResource(rule, info));
}

function takesPath({ verbs, nonResourceURLs }: NonResourcePolicyRule, { verb, path }: RequestInfo): boolean {
  return has(verbs, verb) && nonResourceURLs.some((url) => isBelow(url, path));
}

function isBelow(url: string, path: string): boolean {
  return url.endsWith("*") ? path.startsWith(url.slice(0, -1)) : url === path;
}

function takesResource(rule: ResourcePolicyRule, { verb, resource }: RequestInfo): boolean {
  const { group = "", name = "", namespace = "" } = resource ?? {};
  const inScope = namespace === "" ? rule.clusterScope === true : has(rule.namespaces ?? [], namespace);
  return inScope && has(rule.verbs, verb) && has(rule.apiGroups, group) && has(rule.resources, name);
}

function has(values: readonly string[], value: string): boolean {
  return values.includes(value) || values.includes("*");
}
