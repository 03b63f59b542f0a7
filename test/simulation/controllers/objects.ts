/** Objects and questions that the tests of the controllers share. */
import type { Client } from "../../../actors/client/client.ts";
import { deployments, leases, pods } from "../../../actors/client/resources.ts";
import type { Deployment } from "../../../protocols/kubernetes/types/apps-v1.ts";
import type { Pod, Service } from "../../../protocols/kubernetes/types/core-v1.ts";

export function web(replicas: number, namespace: string = "default", cpu: string = "10m"): Deployment {
  return {
    metadata: { name: "web", namespace },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: {
          containers: [
            {
              name: "web",
              image: "nginx:1",
              ports: [{ name: "http", containerPort: 8080 }],
              resources: { requests: { cpu, memory: "16Mi" } },
            },
          ],
        },
      },
    },
  };
}

export function webService(namespace: string = "default"): Service {
  return {
    metadata: { name: "web", namespace },
    spec: { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: "http" }] },
  };
}

/** Whether the Deployment `web` has done what it was asked for last. */
export async function isSettled(client: Client, replicas: number, namespace: string = "default"): Promise<boolean> {
  const { status, metadata } = await client.get(deployments, "web", namespace);
  return (
    status?.observedGeneration === metadata?.generation &&
    (status?.availableReplicas ?? 0) === replicas &&
    (status?.updatedReplicas ?? 0) === replicas &&
    (status?.replicas ?? 0) === replicas
  );
}

export async function podsOf(client: Client, namespace: string = "default"): Promise<readonly Pod[]> {
  return (await client.list(pods, { namespace })).items;
}

/** The holder of a Lease of leader election; empty while there is none. */
export async function leaderOf(client: Client, lease: string): Promise<string> {
  return (await client.find(leases, lease, "kube-system"))?.spec?.holderIdentity ?? "";
}
