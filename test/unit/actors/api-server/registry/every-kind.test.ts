import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ApiRequest, KubernetesObject } from "../../../../../protocols/api-server.ts";
import type { ResourceInfo } from "../../../../../protocols/kubernetes/resources.ts";
import { RESOURCES } from "../../../../../protocols/kubernetes/resources.ts";
import type { TestServer } from "../harness/test-server.ts";
import { startServer } from "../harness/test-server.ts";
import { kindFixtures } from "../machinery/kind-fixtures.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.stop();
  expect(server.crashes).toEqual([]);
});

const target = (info: ResourceInfo, name?: string, subresource?: string): ApiRequest["target"] => ({
  group: info.group,
  version: info.version,
  resource: info.resource,
  ...(info.namespaced ? { namespace: "default" } : {}),
  ...(name === undefined ? {} : { name }),
  ...(subresource === undefined ? {} : { subresource }),
});

const container = { name: "a", image: "nginx" };
const template = { metadata: { labels: { a: "b" } }, spec: { containers: [container] } };
const workload = { spec: { selector: { matchLabels: { a: "b" } }, template } };
const job = { template: { spec: { restartPolicy: "Never", containers: [container] } } };
const scaleTargetRef = { kind: "Deployment", name: "web", apiVersion: "apps/v1" };
const resourceRules = [{ apiGroups: ["*"], apiVersions: ["*"], operations: ["CREATE"], resources: ["*"] }];
/** Of a key that was made for this and thrown away. */
const STUB =
  "MIG6MGICAQAwADBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABIAd9XY9BfrJcRzXXDHGj//M3zm+Ip7q59GZEdJo8S709hJMmywIQV6rOyf4vY9X8nR/i4+H4gx1kriVO5vNFPygADAKBggqhkjOPQQDAgNIADBFAiAdXzk5fC/HoJxQfRtbsSji0aef8uCoIdZnF95nGdF05AIhANI2OlOKsGrA8dqM57n6tzh/bmizydAwqWRXgCC3i9LG";
const AUTHORITY =
  "-----BEGIN CERTIFICATE-----\nMIIBbzCCARWgAwIBAgIUHZd+ZW0BhI8xURG4p6KJERU0RcowCgYIKoZIzj0EAwIw\nDTELMAkGA1UEAwwCY2EwHhcNMjYxMTI4MTk0OTU1WhcNMzYxMTI1MTk0OTU1WjAN\nMQswCQYDVQQDDAJjYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABIAd9XY9BfrJ\ncRzXXDHGj//M3zm+Ip7q59GZEdJo8S709hJMmywIQV6rOyf4vY9X8nR/i4+H4gx1\nkriVO5vNFPyjUzBRMB0GA1UdDgQWBBTWYgIV/bsyjt6j1frKjbsYG+H/0DAfBgNV\nHSMEGDAWgBTWYgIV/bsyjt6j1frKjbsYG+H/0DAPBgNVHRMBAf8EBTADAQH/MAoG\nCCqGSM49BAMCA0gAMEUCIHYZmIDIhxkfERR+0NFkj2pgcgUnCX1Q3DWG2XbPKhVM\nAiEAmrMEqWrFbJlhIAPr9vMPd7ONc9X/VopCaQQMx9R+7cI=\n-----END CERTIFICATE-----\n";
/** What the kinds with rules of their own can't do without. */
const BODIES: Readonly<Record<string, object>> = {
  ClusterTrustBundle: { spec: { trustBundle: AUTHORITY } },
  ControllerRevision: { data: {} },
  CronJob: { spec: { schedule: "@daily", jobTemplate: { spec: job } } },
  CustomResourceDefinition: {
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: "everies", kind: "Every" },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
    },
  },
  DaemonSet: workload,
  Deployment: workload,
  DeviceTaintRule: { spec: { taint: { key: "a", effect: "NoSchedule" } } },
  EndpointSlice: { addressType: "IPv4", endpoints: [] },
  Event: {
    metadata: { name: "x", namespace: "default" },
    involvedObject: { namespace: "default" },
    regarding: { namespace: "default" },
    eventTime: "2026-01-01T00:00:00.000000Z",
    action: "a",
    reason: "r",
    type: "Normal",
    reportingComponent: "c/d",
    reportingController: "c/d",
    reportingInstance: "i",
  },
  HorizontalPodAutoscaler: { spec: { scaleTargetRef, maxReplicas: 3 } },
  Job: { spec: job },
  MutatingAdmissionPolicy: {
    spec: {
      matchConstraints: { resourceRules },
      mutations: [{ patchType: "ApplyConfiguration", applyConfiguration: { expression: "Object{}" } }],
      reinvocationPolicy: "Never",
    },
  },
  MutatingAdmissionPolicyBinding: { spec: { policyName: "a" } },
  PersistentVolume: {
    spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/data" } },
  },
  PersistentVolumeClaim: { spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } },
  Pod: { spec: { containers: [container] } },
  PodCertificateRequest: {
    spec: {
      signerName: "example.com/a",
      podName: "a",
      podUID: "b",
      serviceAccountName: "c",
      serviceAccountUID: "d",
      nodeName: "e",
      nodeUID: "f",
      stubPKCS10Request: STUB,
    },
  },
  PodTemplate: { template },
  ReplicaSet: workload,
  ReplicationController: { spec: { template } },
  ResourceSlice: {
    spec: { driver: "example.com", allNodes: true, pool: { name: "a", generation: 1, resourceSliceCount: 1 } },
  },
  Service: { spec: { ports: [{ port: 80 }] } },
  StatefulSet: workload,
  StorageVersionMigration: { spec: { resource: { resource: "pods" } } },
  ValidatingAdmissionPolicy: {
    spec: { matchConstraints: { resourceRules }, validations: [{ expression: "object.metadata.name != 'a'" }] },
  },
  ValidatingAdmissionPolicyBinding: { spec: { policyName: "a", validationActions: ["Deny"] } },
};
/** Whose name follows from what they say. */
const NAMES: Readonly<Record<string, string>> = { CustomResourceDefinition: "everies.example.com" };
/** The least that other kinds do with. */
const MINIMAL = new Map(kindFixtures.map(({ served, objects }) => [served.info, objects["minimal"]]));
const stored = RESOURCES.filter(({ storagePrefix }) => storagePrefix !== undefined);

describe("every kind", () => {
  it.each(stored.map((info) => ({ info, title: `${info.apiVersion} ${info.kind}` })))(
    "is created, listed, patched and deleted: $title",
    async ({ info }) => {
      const minimal = BODIES[info.kind] === undefined ? MINIMAL.get(info) : undefined;
      const given = NAMES[info.kind] ?? minimal?.metadata?.name;
      const name = given ?? `every-${info.apiVersion.replaceAll(/[./]/g, "-")}-${info.resource}`;
      const body = BODIES[info.kind] ?? minimal ?? {};
      const object: KubernetesObject = { ...body, metadata: { name } };
      const created = await server.request({ verb: "create", target: target(info), object });
      expect(created).toMatchObject({ apiVersion: info.apiVersion, kind: info.kind, metadata: { name } });
      if (info.generation && info.kind !== "Pod" && info.kind !== "EndpointSlice") {
        expect(created.metadata?.generation).toBe(1);
      }
      const list = (await server.request({ verb: "list", target: target(info) })) as {
        readonly items?: readonly KubernetesObject[];
      };
      expect(list.items?.map(({ metadata }) => metadata?.name)).toContain(name);
      const patched = await server.request({
        verb: "patch",
        target: target(info, name),
        patchType: "application/merge-patch+json",
        patch: { metadata: { labels: { seen: "yes" } } },
      });
      expect(patched.metadata?.labels).toMatchObject({ seen: "yes" });
      await server.request({ verb: "delete", target: target(info, name), options: { gracePeriodSeconds: 0 } });
    },
  );

  it("keeps what the status subresource writes from the main resource", async () => {
    const info = stored.find(({ kind }) => kind === "Ingress");
    if (info === undefined) throw new Error("no Ingress");
    const status = { loadBalancer: { ingress: [{ ip: "10.0.0.1" }] } };
    const spec = { defaultBackend: { service: { name: "web", port: { number: 80 } } } };
    const object = { metadata: { name: "web" }, spec, status } as KubernetesObject;
    const created = await server.request({ verb: "create", target: target(info), object });
    expect(created).toMatchObject({ status: { loadBalancer: {} } });
    expect(JSON.stringify(created)).not.toContain("10.0.0.1");
    const updated = await server.request({ verb: "update", target: target(info, "web", "status"), object });
    expect(updated).toMatchObject({ status, metadata: { generation: 1 } });
    const changed = { metadata: { name: "web" }, spec: { ...spec, ingressClassName: "nginx" } } as KubernetesObject;
    const again = await server.request({ verb: "update", target: target(info, "web"), object: changed });
    expect(again).toMatchObject({ status, metadata: { generation: 2 } });
  });

  it("has a signing request approved through its subresource only", async () => {
    const info = stored.find(({ kind }) => kind === "CertificateSigningRequest");
    if (info === undefined) throw new Error("no CertificateSigningRequest");
    const conditions = [{ type: "Approved", status: "True" }];
    const object = { ...MINIMAL.get(info), metadata: { name: "a" }, status: { conditions } } as KubernetesObject;
    const created = await server.request({ verb: "create", target: target(info), object });
    expect(created).toMatchObject({ spec: { signerName: "example.com/a" }, status: {} });
    const approved = await server.request({ verb: "update", target: target(info, "a", "approval"), object });
    expect(approved).toMatchObject({ status: { conditions } });
    const signed = await server.request({
      verb: "list",
      target: target(info),
      options: { fieldSelector: "spec.signerName=example.com/a" },
    });
    expect((signed as { readonly items?: readonly unknown[] }).items).toHaveLength(1);
  });

  it("is one object under two versions: a HorizontalPodAutoscaler", async () => {
    const of = (version: string): ResourceInfo => {
      const info = stored.find(({ kind, apiVersion }) => kind === "HorizontalPodAutoscaler" && apiVersion === version);
      if (info === undefined) throw new Error(`no ${version}`);
      return info;
    };
    const spec = { scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: 50 };
    const object = { metadata: { name: "web" }, spec } as KubernetesObject;
    await server.request({ verb: "create", target: target(of("autoscaling/v1")), object });
    const cpu = {
      type: "Resource",
      resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } },
    };
    const v2 = await server.request({ verb: "get", target: target(of("autoscaling/v2"), "web") });
    expect(v2).toMatchObject({ apiVersion: "autoscaling/v2", spec: { maxReplicas: 3, metrics: [cpu] } });
    const v1 = await server.request({ verb: "get", target: target(of("autoscaling/v1"), "web") });
    expect(v1).toMatchObject({ apiVersion: "autoscaling/v1", spec });
  });
});
