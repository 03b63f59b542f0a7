/** What an etcd gateway is started with. Data only. */
export interface EtcdTls {
  /** PEM of who vouches for the members; absent: whom this machine trusts. */
  readonly ca?: string;
  /** PEM, shown to the members. */
  readonly cert?: string;
  readonly key?: string;
}

export interface EtcdGatewayOptions {
  /** Of the member that it stands for: `http://host:port` or `https://host:port`. */
  readonly endpoint: string;
  readonly tls: EtcdTls;
  /** How long a connection may take to be there. */
  readonly connectTimeoutMs: number;
  /** How often the connection is asked whether the member still is there, and how long that may take. kube-apiserver: 30 s, 10 s. */
  readonly pingMs: number;
  readonly pingTimeoutMs: number;
  /** How often the member is asked for alarms. */
  readonly alarmsMs: number;
  /** Longest answer that is read: a page of a thousand objects of the largest size that etcd stores. */
  readonly answerBytesMax: number;
  /** Writes of which it is remembered what caused them, until their events come. A second of a busy cluster. */
  readonly causesMax: number;
}

export const ETCD_GATEWAY_DEFAULTS: Omit<EtcdGatewayOptions, "endpoint" | "tls"> = {
  connectTimeoutMs: 2_000,
  pingMs: 5_000,
  pingTimeoutMs: 3_000,
  alarmsMs: 10_000,
  answerBytesMax: 1_610_612_736,
  causesMax: 8_192,
};
