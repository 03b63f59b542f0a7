/** The kubeconfig of a cluster: one context, with the authority's certificate and an administrator's token. */
export interface Access {
  /** `https://host:port`. */
  readonly server: string;
  /** PEM. */
  readonly authority: string;
  readonly token: string;
}

/** YAML, as `kubectl --kubeconfig` and every client library read it. */
export function makeKubeconfig(name: string, access: Access): string {
  const authority = Buffer.from(access.authority).toString("base64");
  return `apiVersion: v1
kind: Config
clusters:
- name: ${name}
  cluster:
    server: ${access.server}
    certificate-authority-data: ${authority}
users:
- name: ${name}-admin
  user:
    token: ${access.token}
contexts:
- name: ${name}
  context:
    cluster: ${name}
    user: ${name}-admin
current-context: ${name}
`;
}
