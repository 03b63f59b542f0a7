/** What an API gateway is started with. Data only. */
export interface ApiGatewayOptions {
  /** Of the API server that it stands for: `https://host:port`. */
  readonly server: string;
  /** PEM of who vouches for that server. */
  readonly authority: string;
  /** File with the certificate and the key, PEM, that vouch for this node. It is read for each new connection: it may have been renewed. */
  readonly credentialFile: string;
  /** How long a connection may take to be there. */
  readonly connectTimeoutMs: number;
  /** How often a connection is asked whether its server still is there, and how long that may take. client-go: 30 s, 15 s; a node is lost sooner here. */
  readonly pingMs: number;
  readonly pingTimeoutMs: number;
  /** Requests and watches on one connection; more take another one. kube-apiserver lets 100 in. */
  readonly streamsMax: number;
  /** Objects asked for at once by the list that a watch begins with. client-go's. */
  readonly listPageSize: number;
  /** Longest answer, and longest event, that is read. Many times what etcd stores of one object. */
  readonly answerBytesMax: number;
}

export const API_GATEWAY_DEFAULTS: Omit<ApiGatewayOptions, "server" | "authority" | "credentialFile"> = {
  connectTimeoutMs: 3_000,
  pingMs: 5_000,
  pingTimeoutMs: 3_000,
  streamsMax: 80,
  listPageSize: 500,
  answerBytesMax: 67_108_864,
};
