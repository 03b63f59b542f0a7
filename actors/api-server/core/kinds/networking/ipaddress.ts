/** IPAddresses: named as the address is, with the colons of IPv6. */
import { pathSegment } from "../../machinery/validation/names.ts";
import type { KindRules } from "../rules.ts";

export const ipAddressRules: KindRules = { name: pathSegment };
