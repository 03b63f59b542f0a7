/** ClusterTrustBundles: their names begin with that of a signer, with its colons. */
import { pathSegment } from "../../machinery/validation/names.ts";
import type { KindRules } from "../rules.ts";

export const clusterTrustBundleRules: KindRules = { name: pathSegment };
