import type { Pod } from "../../protocols/kubernetes/types/core-v1.ts";

/** A running Pod of about 3 KB of JSON, as a Deployment makes it. */
export function samplePod(name = "web-7d4b9c6f5-x2x8k"): Pod {
  const container = (index: number): object => ({
    name: `container-${index}`,
    image: `registry.example.com/shop/web:1.2${index}`,
    ports: [{ name: "http", containerPort: 8080 + index, protocol: "TCP" }],
    env: [
      { name: "LOG_LEVEL", value: "info" },
      { name: "POD_NAME", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } } },
    ],
    resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { cpu: "500m", memory: "256Mi" } },
    volumeMounts: [{ name: "config", mountPath: "/etc/config", readOnly: true }],
    readinessProbe: {
      httpGet: { path: "/healthz", port: 8080, scheme: "HTTP" },
      periodSeconds: 10,
      timeoutSeconds: 1,
      successThreshold: 1,
      failureThreshold: 3,
    },
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    imagePullPolicy: "IfNotPresent",
  });
  const condition = (type: string): object => ({
    type,
    status: "True",
    lastProbeTime: null,
    lastTransitionTime: "2026-01-01T00:00:00Z",
  });
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      generateName: "web-7d4b9c6f5-",
      namespace: "default",
      uid: "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0",
      resourceVersion: "123456",
      creationTimestamp: "2026-01-01T00:00:00Z",
      labels: { app: "web", "pod-template-hash": "7d4b9c6f5", tier: "front" },
      annotations: { "example.com/checksum": "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c" },
      ownerReferences: [
        {
          apiVersion: "apps/v1",
          kind: "ReplicaSet",
          name: "web-7d4b9c6f5",
          uid: "1c2d3e4f-5061-7283-94a5-b6c7d8e9f0a1",
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      containers: [container(0), container(1)],
      volumes: [{ name: "config", configMap: { name: "web", defaultMode: 420 } }],
      restartPolicy: "Always",
      terminationGracePeriodSeconds: 30,
      dnsPolicy: "ClusterFirst",
      serviceAccountName: "default",
      nodeName: "worker-1",
      schedulerName: "default-scheduler",
      tolerations: [
        { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute", tolerationSeconds: 1 },
        { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute", tolerationSeconds: 1 },
      ],
    },
    status: {
      phase: "Running",
      conditions: ["Initialized", "Ready", "ContainersReady", "PodScheduled"].map(condition),
      hostIP: "127.192.0.2",
      podIP: "127.64.1.7",
      podIPs: [{ ip: "127.64.1.7" }],
      startTime: "2026-01-01T00:00:00Z",
      qosClass: "Burstable",
    },
  } as unknown as Pod;
}
