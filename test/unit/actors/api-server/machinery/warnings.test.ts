import { describe, expect, it } from "vitest";
import { UnhonouredFields } from "../../../../../actors/api-server/core/machinery/unhonoured.ts";
import { NODE_UNHONOURED } from "../../../../../actors/api-server/core/kinds/core/node.ts";
import { POD_UNHONOURED } from "../../../../../actors/api-server/core/kinds/core/pod-unhonoured.ts";
import { SERVICE_UNHONOURED } from "../../../../../actors/api-server/core/kinds/core/service.ts";
import { ownedOnce } from "../../../../../actors/api-server/core/registry/owners.ts";
import { warningsOf } from "../../../../../actors/api-server/core/machinery/warnings.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import type { FieldType, TypeRef } from "../../../../../protocols/kubernetes/schema/schema.ts";
import { findType } from "../../../../../protocols/kubernetes/schema/schema.ts";
import { createdBy, readFixture } from "./oracle-fixture.ts";
import { rulesFor, servedAs } from "../harness/catalog.ts";

interface Case {
  readonly apiVersion: string;
  readonly resource: string;
  readonly object: KubernetesObject;
  readonly warnings: readonly string[];
}

const OURS = ": stored, but not honoured by inkube: ";

function warningsAt(apiVersion: string, resource: string, object: KubernetesObject): readonly string[] {
  const made = createdBy(servedAs(apiVersion, resource), object).object;
  if (made === undefined) throw new Error("refused");
  const rules = rulesFor(made);
  // What a deprecated kind is told is told of every request, whatever it makes.
  const ofKind = rules.deprecated === undefined ? [] : [rules.deprecated];
  return [...ofKind, ...ownedOnce(object, false).warnings, ...warningsOf(rules, made, undefined)];
}

describe("warningsOf", () => {
  for (const { apiVersion, resource, object, warnings } of (readFixture("warnings") as { cases: Case[] }).cases) {
    it(`says what kube-apiserver says of ${resource}: ${warnings.join("; ").slice(0, 120)}`, () => {
      const told = warningsAt(apiVersion, resource, object).filter((text) => !text.includes(OURS));
      expect([...told].sort()).toEqual(warnings);
    });
  }

  it("does not repeat itself when an update leaves the field as it is", () => {
    const spec = { containers: [{ name: "a", image: "i", securityContext: { runAsUser: 7 } }] };
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "a" }, spec } as KubernetesObject;
    expect(warningsOf(rulesFor(pod), pod, undefined)).toEqual([
      `spec.containers[0].securityContext.runAsUser${OURS}containers run as the user of this process`,
    ]);
    expect(warningsOf(rulesFor(pod), pod, pod)).toEqual([]);
  });

  it.each(["UDP", "SCTP"])("tells that a Service forwards no %s, unless it forwards nothing anyway", (protocol) => {
    const ports = [
      { name: "a", port: 80 },
      { name: "b", port: 81, protocol },
    ];
    const told = (spec: object): readonly string[] =>
      warningsAt("v1", "services", { metadata: { name: "a" }, spec: { ports, ...spec } } as KubernetesObject);
    expect(told({})).toEqual([`spec.ports[1].protocol${OURS}only TCP is forwarded`]);
    expect(told({ clusterIP: "None" }).filter((text) => text.includes(OURS))).toEqual([]);
    expect(told({ type: "ExternalName", externalName: "a.b" })).toEqual([]);
  });

  it("tells that nobody listens on the port for a balancer's health checks", () => {
    const spec = {
      type: "LoadBalancer",
      externalTrafficPolicy: "Local",
      ports: [{ port: 80 }],
      healthCheckNodePort: 30_001,
    };
    const service = { metadata: { name: "a" }, spec } as KubernetesObject;
    expect(warningsAt("v1", "services", service)).toEqual([
      `spec.healthCheckNodePort${OURS}nobody listens on this port`,
    ]);
  });

  it("tells of ephemeral containers what it tells of others, and nothing of the protocol of a container's port", () => {
    const container = { name: "a", image: "i", ports: [{ containerPort: 53, protocol: "UDP" }] };
    const asked = { stdin: true, stdinOnce: true, tty: true, securityContext: { privileged: true, runAsUser: 7 } };
    const ephemeralContainers = [{ name: "dbg", image: "i", targetContainerName: "a", ...asked }];
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "a" }, spec: { containers: [container] } };
    const debugged = { ...pod, spec: { ...pod.spec, ephemeralContainers } };
    expect(warningsOf(rulesFor(pod), pod, undefined)).toEqual([]);
    const fields = ["securityContext.runAsUser", "securityContext.privileged"];
    expect(warningsOf(rulesFor(debugged), debugged, pod).map((text) => text.split(OURS)[0])).toEqual(
      fields.map((field) => `spec.ephemeralContainers[0].${field}`),
    );
  });

  it("has nothing to say of an ordinary object", () => {
    const pod = { metadata: { name: "a" }, spec: { containers: [{ name: "a", image: "i" }] } };
    const service = { metadata: { name: "a" }, spec: { selector: { a: "b" }, ports: [{ port: 80 }] } };
    expect(warningsAt("v1", "pods", pod as KubernetesObject)).toEqual([]);
    expect(warningsAt("v1", "services", service as KubernetesObject)).toEqual([]);
    expect(warningsAt("v1", "nodes", { metadata: { name: "a" } })).toEqual([]);
  });
});

/**
 * Where each field of what users write is acted on: `place: fields`. A field that is new in the schema stands in no list, and so
 * fails the test until somebody has decided about it.
 */
const HONOURED: Readonly<Record<string, string>> = {
  Affinity: "nodeAffinity podAffinity podAntiAffinity",
  Capabilities: "",
  ClientIPConfig: "timeoutSeconds",
  ConfigMapEnvSource: "name optional",
  ConfigMapKeySelector: "name key optional",
  ConfigMapProjection: "name items optional",
  ConfigMapVolumeSource: "name items defaultMode optional",
  Container:
    "name image command args workingDir ports envFrom env resources restartPolicy restartPolicyRules volumeMounts livenessProbe readinessProbe startupProbe lifecycle terminationMessagePath terminationMessagePolicy imagePullPolicy stdin stdinOnce tty securityContext",
  ContainerPort: "name hostPort containerPort protocol",
  // What the kubelet does not do with a rule it tells by an event.
  ContainerRestartRule: "action exitCodes",
  ContainerRestartRuleOnExitCodes: "operator values",
  DeploymentSpec:
    "replicas selector template strategy minReadySeconds revisionHistoryLimit paused progressDeadlineSeconds",
  DeploymentStrategy: "type rollingUpdate",
  DownwardAPIProjection: "items",
  DownwardAPIVolumeFile: "path fieldRef resourceFieldRef mode",
  DownwardAPIVolumeSource: "items defaultMode",
  // The kubelet tells of `medium` and `sizeLimit` by an event.
  EmptyDirVolumeSource: "medium sizeLimit",
  EnvFromSource: "prefix configMapRef secretRef",
  EnvVar: "name value valueFrom",
  EnvVarSource: "fieldRef resourceFieldRef configMapKeyRef secretKeyRef",
  // The kubelet tells of `targetContainerName` by an event; admission refuses what no such container can have.
  EphemeralContainer:
    "name image command args workingDir ports envFrom env resources restartPolicy restartPolicyRules volumeMounts livenessProbe readinessProbe startupProbe lifecycle terminationMessagePath terminationMessagePolicy imagePullPolicy stdin stdinOnce tty securityContext targetContainerName",
  ExecAction: "command",
  GRPCAction: "port service mode",
  HTTPGetAction: "path port host scheme httpHeaders",
  HTTPHeader: "name value",
  HostAlias: "ip hostnames",
  HostPathVolumeSource: "path type",
  KeyToPath: "key path mode",
  LabelSelector: "matchLabels matchExpressions",
  LabelSelectorRequirement: "key operator values",
  Lifecycle: "postStart preStop",
  LifecycleHandler: "exec httpGet tcpSocket sleep",
  NodeAffinity: "requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution",
  NodeSelector: "nodeSelectorTerms",
  NodeSelectorRequirement: "key operator values",
  NodeSelectorTerm: "matchExpressions matchFields",
  // Kubernetes itself warns of `externalID`.
  NodeSpec: "podCIDR podCIDRs providerID unschedulable taints externalID",
  ObjectFieldSelector: "apiVersion fieldPath",
  // Metadata is the registry's, and the same for every kind.
  ObjectMeta: "*",
  PodAffinity: "requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution",
  PodAffinityTerm: "labelSelector namespaces topologyKey namespaceSelector matchLabelKeys mismatchLabelKeys",
  PodAntiAffinity: "requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution",
  PodReadinessGate: "conditionType",
  PodSchedulingGate: "name",
  PodSecurityContext: "fsGroup",
  // Admission refuses a runtimeClassName, an overhead and a preemptionPolicy that the cluster does not have.
  PodSpec:
    "volumes initContainers containers ephemeralContainers restartPolicy terminationGracePeriodSeconds activeDeadlineSeconds nodeSelector serviceAccountName serviceAccount nodeName hostNetwork securityContext hostname subdomain affinity schedulerName tolerations hostAliases priorityClassName priority readinessGates runtimeClassName automountServiceAccountToken enableServiceLinks preemptionPolicy overhead topologySpreadConstraints setHostnameAsFQDN schedulingGates resources hostnameOverride",
  PodTemplateSpec: "metadata spec",
  PreferredSchedulingTerm: "weight preference",
  Probe:
    "exec httpGet tcpSocket grpc initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold terminationGracePeriodSeconds",
  ProjectedVolumeSource: "sources defaultMode",
  ResourceFieldSelector: "containerName resource divisor",
  ResourceRequirements: "limits requests",
  RollingUpdateDeployment: "maxUnavailable maxSurge",
  SecretEnvSource: "name optional",
  SecretKeySelector: "name key optional",
  SecretProjection: "name items optional",
  SecretVolumeSource: "secretName items defaultMode optional",
  SecurityContext: "",
  ServicePort: "name appProtocol port targetPort nodePort",
  // The API gives and takes the ports and families.
  ServiceSpec:
    "ports selector clusterIP clusterIPs type sessionAffinity sessionAffinityConfig externalName externalTrafficPolicy internalTrafficPolicy publishNotReadyAddresses ipFamilies ipFamilyPolicy allocateLoadBalancerNodePorts",
  SessionAffinityConfig: "clientIP",
  ServiceAccountTokenProjection: "audience expirationSeconds path",
  SleepAction: "seconds",
  TCPSocketAction: "port host",
  Taint: "key value effect timeAdded",
  TopologySpreadConstraint:
    "maxSkew topologyKey whenUnsatisfiable labelSelector minDomains nodeAffinityPolicy nodeTaintsPolicy matchLabelKeys",
  Toleration: "key operator value effect tolerationSeconds",
  WeightedPodAffinityTerm: "weight podAffinityTerm",
  // Every other source is refused by the kubelet with FailedMount; a pod that names a claim stays Pending.
  Volume: "*",
  // The kubelet tells of readOnly and mountPropagation by an event, where it does not enforce them.
  VolumeMount: "name readOnly mountPath subPath mountPropagation subPathExpr",
  VolumeProjection: "secret downwardAPI configMap serviceAccountToken",
};

/** Refused with 422: a pod as a whole claims no devices. */
const REFUSED = "resources.claims";
const MOUNTED = ["hostPath", "emptyDir", "secret", "downwardAPI", "configMap", "projected"];

/** Fields, by their paths in the rows of the list, about which nothing is decided. */
function undecided(type: TypeRef, at: string, told: ReadonlySet<string>, seen: readonly string[]): readonly string[] {
  const known = HONOURED[type.name];
  if (known === undefined) return [`${at}: the type ${type.name}`];
  const honoured = new Set(known.split(" "));
  const missing: string[] = [];
  for (const field of type.fields.values()) {
    let inner: FieldType = field.type;
    const list = inner.is === "list" ? "[]" : "";
    while (inner.is === "list" || inner.is === "map") inner = inner.of;
    const path = at === "" ? `${field.name}${list}` : `${at}.${field.name}${list}`;
    if (told.has(path.replace(/\[\]$/, "")) || (type.name === "Volume" && !MOUNTED.includes(field.name))) continue;
    if (!honoured.has("*") && !honoured.has(field.name)) missing.push(path);
    else if (inner.is === "object" && type.name !== "ObjectMeta" && !seen.includes(inner.type.name)) {
      missing.push(...undecided(inner.type, path, told, [...seen, inner.type.name]));
    }
  }
  return missing;
}

function specOf(apiVersion: string, kind: string): TypeRef {
  const type = findType(apiVersion, kind)?.fields.get("spec")?.type;
  if (type?.is !== "object") throw new Error(`no spec of ${kind}`);
  return type.type;
}

describe("every field that is accepted", () => {
  it.each([
    ["v1", "Pod", POD_UNHONOURED],
    ["v1", "Service", SERVICE_UNHONOURED],
    ["v1", "Node", NODE_UNHONOURED],
  ] as const)("is honoured, refused or told of (%s %s)", (apiVersion, kind, rows) => {
    expect(undecided(specOf(apiVersion, kind), "", new Set([REFUSED, ...rows.map((row) => row.path)]), [])).toEqual([]);
  });

  it("is honoured in a Deployment, whose template is a pod's", () => {
    const rows = new Set([REFUSED, ...POD_UNHONOURED.map((row) => row.path)].map((path) => `template.spec.${path}`));
    expect(undecided(specOf("apps/v1", "Deployment"), "", rows, [])).toEqual([]);
  });

  it("is missed when nobody has decided about it", () => {
    expect(undecided(specOf("v1", "Node"), "", new Set(), [])).toEqual(["configSource", "podPreemptionPolicy"]);
  });
});

describe("a field that is not honoured", () => {
  const rows = [{ path: "containers[].tty", words: "no terminal", benign: [false] }];
  const told = (...ttys: readonly unknown[]): readonly string[] =>
    new UnhonouredFields(rows).in("spec", { containers: ttys.map((tty) => ({ tty })) } as never);

  it("is told of the first item that sets it, be it not the first", () => {
    expect(told(undefined, false, true, true)).toEqual([
      "spec.containers[2].tty: stored, but not honoured by inkube: no terminal",
    ]);
  });

  it("is told of a StatefulSet's claims, and of no StatefulSet without", () => {
    const metadata = { labels: { app: "a" } };
    const template = { metadata, spec: { containers: [{ name: "c", image: "i" }] } };
    const set = (spec: object): readonly string[] =>
      warningsAt("apps/v1", "statefulsets", {
        apiVersion: "apps/v1",
        kind: "StatefulSet",
        metadata: { name: "web" },
        spec: { selector: { matchLabels: metadata.labels }, template, ...spec },
      } as KubernetesObject);
    const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
    expect(set({})).toEqual([]);
    expect(set({ volumeClaimTemplates: [{ metadata: { name: "data" }, spec }] })).toEqual([
      `spec.volumeClaimTemplates${OURS}claims are made, but nothing binds them yet: pods that name one stay Pending`,
    ]);
  });

  it("is not told where it says nothing", () => {
    expect(told(null, [], false)).toEqual([]);
    expect(told()).toEqual([]);
  });
});
