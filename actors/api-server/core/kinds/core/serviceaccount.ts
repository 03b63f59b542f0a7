/** ServiceAccounts. */
import type { KindRules } from "../rules.ts";

export const serviceAccountRules: KindRules = { returnsDeletedObject: true };
