/** What etcd's own clients need to be let in by a cluster, as files beside its kubeconfig. They go with the cluster. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Cluster } from "../cluster.ts";
import { refuse } from "./failure.ts";

const USER = "etcd-client";
const ADMINISTRATORS = "system:masters";

export class EtcdFiles {
  private readonly directory: string;
  private isWritten = false;

  constructor(kubeconfig: string) {
    this.directory = `${resolve(kubeconfig)}.etcd`;
  }

  /** A line that tells etcdctl where they are. Errors: INVALID_ARGUMENT. */
  write(cluster: Cluster): string {
    const { certificate, key } = cluster.clientCertificate(USER, [ADMINISTRATORS]);
    const file = (name: string): string => join(this.directory, name);
    try {
      mkdirSync(this.directory, { recursive: true, mode: 0o700 });
      this.isWritten = true;
      writeFileSync(file("ca.crt"), cluster.authority);
      writeFileSync(file("client.crt"), certificate);
      writeFileSync(file("client.key"), key, { mode: 0o600 });
    } catch (error) {
      throw refuse(`can't write what etcd's clients need: ${(error as Error).message}`);
    }
    return `  ETCDCTL_CACERT=${file("ca.crt")} ETCDCTL_CERT=${file("client.crt")} ETCDCTL_KEY=${file("client.key")}`;
  }

  remove(): void {
    if (this.isWritten) rmSync(this.directory, { recursive: true, force: true });
  }
}
