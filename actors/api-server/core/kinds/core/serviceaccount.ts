/** ServiceAccounts. */
import type { KindRules } from "../rules.ts";

export const serviceAccount: KindRules = { returnsDeletedObject: true };
