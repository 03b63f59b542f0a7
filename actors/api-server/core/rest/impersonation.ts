/**
 * `Impersonate-User` and its kin. Who may act for whom is a matter of authorization, which there is none of yet: so nobody may,
 * and it is said rather than done under the caller's own name.
 * Source: apiserver `endpoints/filters/impersonation`.
 */
import { badRequest, forbidden } from "../machinery/status.ts";

const USER = "impersonate-user";
const OTHERS = /^impersonate-(group|uid|extra-.*)$/;

/** @throws Status 403 for a request on somebody else's behalf, 400 for one that does not say on whose */
export function refuseImpersonation(headers: { readonly [name: string]: unknown }, user: string): void {
  const wanted = headers[USER];
  if (typeof wanted === "string" && wanted !== "") {
    const why = `User ${JSON.stringify(user)} cannot impersonate resource "users" in API group "" at the cluster scope`;
    throw forbidden({ group: "", resource: "users" }, wanted, why);
  }
  for (const name of Object.keys(headers)) {
    if (OTHERS.test(name)) throw badRequest(`requested ${name} without impersonating a user name`);
  }
}
