/**
 * `Impersonate-User` and its kin. Until rights are enforced, who may do everything may act for everybody, and nobody else for anybody.
 * Source: apiserver `endpoints/filters/impersonation`, and KEP-5284 for the words of its refusals.
 */
import type { UserInfo } from "../identity.ts";
import { ANONYMOUS, AUTHENTICATED } from "../identity.ts";
import { badRequest } from "../machinery/status.ts";
import { ACCOUNT_PREFIX, accountGroups } from "../tokens/claims.ts";
import type { Asked } from "./asked.ts";
import { forbiddenTo } from "./asked.ts";

const PREFIX = "impersonate-";
const EXTRA = "extra-";
const ADMINISTRATORS = "system:masters";
const UNAUTHENTICATED = "system:unauthenticated";
const NODE_PREFIX = "system:node:";

interface Wanted {
  user: string;
  uid: string;
  readonly groups: string[];
  readonly extra: Map<string, string[]>;
}

/**
 * Who a request of `user` is made for; `user` where it says nothing of it.
 * @param rawHeaders names and values in turn
 * @throws Status 403 where `user` may not act for others, 400 for a request that does not say for whom
 */
export function impersonated(
  user: UserInfo | undefined,
  rawHeaders: readonly string[],
  request: { asked(): Asked },
): UserInfo | undefined {
  const wanted = wantedBy(rawHeaders);
  if (wanted === undefined) return user;
  if (wanted.user === "") throw badRequest(`requested ${shown(wanted)} without impersonating a user name`);
  if (user?.groups.includes(ADMINISTRATORS) !== true) {
    const { verb, ...rest } = request.asked();
    throw forbiddenTo(user?.user ?? ANONYMOUS, { ...rest, verb: `impersonate-on:${modeOf(wanted.user)}:${verb}` });
  }
  if (wanted.user === ANONYMOUS) throw forbiddenTo(ANONYMOUS, request.asked());
  return userOf(wanted);
}

function wantedBy(rawHeaders: readonly string[]): Wanted | undefined {
  let wanted: Wanted | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const given = rawHeaders[at] ?? "";
    // Most are shorter, and need no look at their letters.
    if (given.length <= PREFIX.length) continue;
    const name = given.toLowerCase();
    if (!name.startsWith(PREFIX)) continue;
    const what = name.slice(PREFIX.length);
    const value = rawHeaders[at + 1] ?? "";
    if (!/^(user|uid|group|extra-.+)$/.test(what)) continue;
    wanted ??= { user: "", uid: "", groups: [], extra: new Map() };
    // Of a name or a uid that is given twice, the first counts.
    if (what === "user") wanted.user ||= value;
    else if (what === "uid") wanted.uid ||= value;
    else if (what === "group") wanted.groups.push(value);
    else {
      const key = decoded(what.slice(EXTRA.length));
      wanted.extra.set(key, [...(wanted.extra.get(key) ?? []), value]);
    }
  }
  return wanted;
}

/** Names of extra fields are escaped, where they have what a header's name may not have; a bad escape stands for itself. */
function decoded(key: string): string {
  try {
    return decodeURIComponent(key).toLowerCase();
  } catch {
    return key;
  }
}

function userOf({ user, uid, groups: given, extra }: Wanted): UserInfo {
  const [namespace, name] = user.startsWith(ACCOUNT_PREFIX) ? user.slice(ACCOUNT_PREFIX.length).split(":") : [];
  const own = given.length === 0 && namespace !== undefined && name !== undefined ? accountGroups(namespace) : given;
  const isTold = own.includes(AUTHENTICATED) || own.includes(UNAUTHENTICATED);
  return {
    user,
    ...(uid === "" ? {} : { uid }),
    groups: isTold ? own : [...own, AUTHENTICATED],
    ...(extra.size === 0 ? {} : { extra: Object.fromEntries([...extra].sort(([a], [b]) => (a < b ? -1 : 1))) }),
  };
}

/** As what the right to act for somebody is named. */
function modeOf(user: string): string {
  if (user.startsWith(ACCOUNT_PREFIX)) return "serviceaccount";
  return user.startsWith(NODE_PREFIX) ? "arbitrary-node" : "user-info";
}

/** As Go prints the user that was wanted. */
function shown({ uid, groups, extra }: Wanted): string {
  const list = (values: readonly string[]): string =>
    values.length === 0 ? "[]string(nil)" : `[]string{${values.map((each) => JSON.stringify(each)).join(", ")}}`;
  const entries = [...extra].sort(([a], [b]) => (a < b ? -1 : 1));
  const fields = entries.map(([key, values]) => `${JSON.stringify(key)}:${list(values)}`).join(", ");
  const map = extra.size === 0 ? "map[string][]string(nil)" : `map[string][]string{${fields}}`;
  return `&user.DefaultInfo{Name:"", UID:${JSON.stringify(uid)}, Groups:${list(groups)}, Extra:${map}}`;
}
