/** ClusterRoleBindings: give a ClusterRole to subjects in the whole cluster. */
import type { KindRules } from "../rules.ts";
import { bindingRules } from "./bindings.ts";

export const clusterRoleBindingRules: KindRules = bindingRules(["ClusterRole"], false);
