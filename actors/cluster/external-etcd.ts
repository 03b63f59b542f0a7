/** An etcd cluster that runs elsewhere, in place of the cluster's own. */
import type { InkubeError } from "../../protocols/errors.ts";
import type { EtcdGatewayOptions, EtcdTls } from "../etcd-gateway/spec.ts";
import { ETCD_GATEWAY_DEFAULTS } from "../etcd-gateway/spec.ts";

export interface ExternalEtcdOptions {
  /** Of its members: `https://host:port`, or `http://host:port`. */
  readonly endpoints: readonly string[];
  /** PEM of who vouches for the members; absent: whom this machine trusts. */
  readonly ca?: string;
  /** PEM, shown to the members. */
  readonly cert?: string;
  readonly key?: string;
}

export interface ExternalEtcd {
  readonly endpoints: readonly string[];
  readonly tls: EtcdTls;
}

const FIELDS: readonly string[] = ["endpoints", "ca", "cert", "key"];
/** As many members as etcd's manual advises at most. */
const ENDPOINTS_MAX = 7;

/** @param refuse makes the error of a field */
export function checkExternalEtcd(
  given: ExternalEtcdOptions,
  refuse: (field: string, what: string) => InkubeError,
): ExternalEtcd {
  for (const field of Object.keys(given))
    if (!FIELDS.includes(field)) throw refuse(`etcd.${field}`, `there are ${FIELDS.join(", ")}, or listen`);
  const { endpoints, ca, cert, key } = given;
  if (!Array.isArray(endpoints) || endpoints.length === 0 || endpoints.length > ENDPOINTS_MAX)
    throw refuse("etcd.endpoints", `must be a list of 1 to ${ENDPOINTS_MAX} addresses, as https://192.0.2.7:2379`);
  if (new Set(endpoints).size < endpoints.length) throw refuse("etcd.endpoints", "must name each member once");
  for (const [field, value] of Object.entries({ ca, cert, key }))
    if (value !== undefined && (typeof value !== "string" || !value.includes("-----BEGIN")))
      throw refuse(`etcd.${field}`, "must be PEM");
  if ((cert === undefined) !== (key === undefined)) throw refuse("etcd.cert", "and etcd.key belong together");
  const origins = endpoints.map((endpoint) => {
    const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
    if (url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === "/" && url.search === "")
      return url.origin;
    throw refuse("etcd.endpoints", `must be addresses, as https://192.0.2.7:2379, not ${JSON.stringify(endpoint)}`);
  });
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
  return { endpoints: origins, tls };
}

/** What the gateway for each member is started with. */
export function gatewayOptions({ endpoints, tls }: ExternalEtcd): readonly EtcdGatewayOptions[] {
  return endpoints.map((endpoint) => ({ ...ETCD_GATEWAY_DEFAULTS, endpoint, tls }));
}
