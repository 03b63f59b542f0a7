/** Roles and their bindings: their names, with colons, are segments of a path. */
import { pathSegment } from "../../machinery/validation/names.ts";
import type { KindRules } from "../rules.ts";

export const rbacRules: KindRules = { name: pathSegment };
