/** RoleBindings: give a Role or ClusterRole to subjects in one namespace. */
import type { KindRules } from "../rules.ts";
import { bindingRules } from "./bindings.ts";

export const roleBindingRules: KindRules = bindingRules(["Role", "ClusterRole"], true);
