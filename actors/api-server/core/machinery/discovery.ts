/** The documents by which clients find out what the server serves. All are derived from the resource table. */

/** What `/version` answers; minor and major are digits, which clients parse. */
export interface VersionInfo {
  readonly gitVersion: string;
  readonly platform: string;
  readonly goVersion: string;
}

/** `/version`. */
export function versionDocument(): object {
  return { major: "1", minor: "37", gitVersion: "v1.37.1" };
}

/** `/api`. `serverAddress` is `host:port` as the client reached it. */
export function apiVersions(serverAddress: string): object {
  return {
    kind: "APIVersions",
    versions: ["v1"],
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }],
  };
}

/** `/apis`. */
export function apiGroupList(): object {
  return {};
}

/** `/apis/apps`; undefined when the group is not served. */
export function apiGroup(group: string): object | undefined {
  void group;
  return undefined;
}

/** `/api/v1` (group ""), `/apis/apps/v1`; undefined when not served. */
export function apiResourceList(group: string, version: string): object | undefined {
  void group;
  void version;
  return undefined;
}

/** `/api` or `/apis` as an APIGroupDiscoveryList of apidiscovery.k8s.io; `v2beta1` for older clients. */
export function aggregatedDiscovery(root: "api" | "apis", version: "v2" | "v2beta1"): object {
  void root;
  void version;
  return {};
}

/** The `paths` of `/`. */
export function rootPaths(): readonly string[] {
  return [];
}
