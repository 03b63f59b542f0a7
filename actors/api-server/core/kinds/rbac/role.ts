/** Roles. Their names, with colons, are segments of a path. */
import type { Role } from "../../../../../protocols/kubernetes/types/rbac-v1.ts";
import { nameOf } from "../../machinery/cells.ts";
import { pathSegment } from "../../machinery/validation/names.ts";
import type { KindRules } from "../rules.ts";
import { validatePolicyRules } from "./policy-rules.ts";

export const roleRules: KindRules = {
  name: pathSegment,
  validate: ({ rules }: Role, errors) => validatePolicyRules(rules, true, errors),
  cells: (object: Role) => [nameOf(object), object.metadata?.creationTimestamp ?? ""],
};
