/** What programs that stand in for Kubernetes' own put in place of what a cluster makes for itself. */

/** What is another's in place of the cluster's own. Certificates and keys are PEM. */
export interface StandIn {
  /** Address to serve on: one of this machine. */
  readonly host?: string;
  readonly serving?: { readonly certificate: string; readonly key: string };
  /** Vouches for certificates of clients. */
  readonly clientAuthority?: string;
  /** Signs the tokens of ServiceAccounts. */
  readonly signingKey?: string;
  readonly issuer?: string;
  /** Addresses of Services, as CIDR. */
  readonly serviceRange?: string;
  /** Whether pods get an account and its token. */
  readonly serviceAccounts?: boolean;
  readonly tokens?: readonly {
    readonly token: string;
    readonly user: string;
    readonly groups: readonly string[];
    readonly uid?: string;
  }[];
  /** When the roles and flow schemas of a fresh control plane are made, after the start; the API server's own default otherwise. */
  readonly initialObjectsAfterMs?: number;
  /** One of several processes that are the masters of one cluster. `keys`: the file with what they have in common. */
  readonly master?: { readonly name: string; readonly keys: string };
  /** Whether each write is on the disk before it is acknowledged. */
  readonly fsync?: boolean;
}
