/** Carries out what a pod's worker wants done: each of its operations as calls to the runtime, the disk, the network and the API. */
import type { ContainerConfig, ContainerStatus, Mount, PodSandboxStatus } from "../../protocols/container-runtime.ts";
import { CONTAINER_ENVIRONMENT } from "../../protocols/container-runtime.ts";
import { hasReason } from "../../protocols/api-server.ts";
import { hasCode, InkubeError } from "../../protocols/errors.ts";
import type { Container, LifecycleHandler, Pod, Probe } from "../../protocols/kubernetes/types/core-v1.ts";
import type { IntOrString } from "../../protocols/kubernetes/types/meta-v1.ts";
import type { Address } from "../../runtime/net.ts";
import { pods } from "../client/resources.ts";
import { environmentOf, expand, expandWhole } from "./core/environment.ts";
import { etcHosts, hostnameOf } from "./core/hostname.ts";
import { mountNoticesOf } from "./core/notices.ts";
import type { Operation } from "./core/pod-worker.ts";
import { parseQuantity } from "./core/quantity.ts";
import type { PodFacts } from "./core/sources.ts";
import { configError, containersOf } from "./core/sources.ts";
import { mountsOf, planVolumes, volumeVariables } from "./core/volumes.ts";
import type { OperationServices } from "./node-services.ts";
import { claimedVolumes } from "./pod-claims.ts";
import type { ProbeAnswer } from "./probe-client.ts";
import { probeGrpc, probeHttp, probeTcp } from "./probe-client.ts";

/** What a stop may take beyond its grace period: SIGKILL, and the runtime's patience with it. */
const STOP_SLACK_MS = 15_000;
/** A hook without a limit of its own. Kubernetes gives none to postStart; a minute is long enough to be a mistake. */
const HOOK_TIMEOUT_MS = 60_000;
/** What a container gets at least after its preStop hook has used up the grace period. The kubelet's own 2 s. */
const GRACE_AFTER_HOOK_MS = 2_000;
/** Output of a failed probe or hook that is shown. */
const OUTPUT_SHOWN = 1_024;

type Stop = Operation & { readonly op: "stop" };
type Start = Operation & { readonly op: "start" };

export interface Started {
  readonly status: ContainerStatus;
  /** Why the container has to go again: its postStart hook failed. */
  readonly hookFailure: string | undefined;
}

export class PodOperations {
  private readonly node: OperationServices;

  constructor(node: OperationServices) {
    this.node = node;
  }

  async volumes(pod: Pod): Promise<void> {
    const uid = pod.metadata?.uid ?? "";
    if ((pod.spec?.volumes ?? []).length === 0) return;
    const { client, options, sources, tokens, volumes } = this.node;
    const [objects, token, claimed] = await Promise.all([sources.of(pod), tokens.of(pod), claimedVolumes(client, pod)]);
    const places = { volumes: claimed, root: options.volumesRoot };
    await volumes.write(uid, planVolumes(this.facts(pod, undefined), { ...objects, token }, places));
  }

  async sandbox(pod: Pod, attempt: number): Promise<PodSandboxStatus> {
    const { name = "", namespace = "", uid = "", labels = {}, annotations = {} } = pod.metadata ?? {};
    const isHost = pod.spec?.hostNetwork === true;
    const { hostIP, options } = this.node;
    const ip = isHost ? hostIP : options.podCIDR === "" ? "" : this.node.addresses.allocate();
    if (ip === undefined)
      throw new InkubeError("NO_ADDRESS", "all addresses of the node are in use", { retryable: true });
    try {
      const hostname = isHost ? options.nodeName : hostnameOf(pod);
      const shared = options.sharesNodeIP ? { sharedIp: hostIP } : {};
      const config = { metadata: { name, namespace, uid, attempt }, hostname, ip, ...shared, labels, annotations };
      const { status } = await this.node.runtime.call("runPodSandbox", { config });
      // One that was made by a try whose answer was lost has its own address.
      if (!isHost && status.network.askedIp !== ip) {
        this.node.addresses.release(ip);
        this.node.addresses.reserve(status.network.askedIp);
      }
      return status;
    } catch (error) {
      if (!isHost) this.node.addresses.release(ip);
      throw error;
    }
  }

  /** Pulls the image, creates the container and starts it, then runs its postStart hook. */
  async start(
    pod: Pod,
    sandbox: PodSandboxStatus,
    operation: Start,
    onStatus: (status: ContainerStatus) => void,
  ): Promise<Started> {
    const container = containerOf(pod, operation.container);
    const { runtime } = this.node;
    await this.pull(pod, container);
    const config = await this.configOf(pod, container, sandbox, operation.attempt);
    const created = await runtime.call("createContainer", { podSandboxId: sandbox.id, config });
    onStatus(created.status);
    this.tell(pod, "Normal", "Created", `Container created`, container.name);
    const { status } = await this.startCreated(pod, container, created.status.id, onStatus);
    this.tell(pod, "Normal", "Started", `Container started`, container.name);
    for (const notice of mountNoticesOf(container, pod.spec?.volumes ?? [], status.unmounted ?? {})) {
      this.node.events.event(typedPod(pod), "Warning", "Unsupported", notice);
    }
    const hook = container.lifecycle?.postStart;
    if (hook === undefined) return { status, hookFailure: undefined };
    const answer = await this.hook(hook, container, status, sandbox, HOOK_TIMEOUT_MS);
    if (answer.isSuccess) return { status, hookFailure: undefined };
    this.tell(pod, "Warning", "FailedPostStartHook", `PostStartHook failed: ${answer.output}`, container.name);
    return { status, hookFailure: answer.output };
  }

  private async startCreated(
    pod: Pod,
    container: Container,
    containerId: string,
    onStatus: (status: ContainerStatus) => void,
  ): Promise<{ readonly status: ContainerStatus }> {
    const { runtime } = this.node;
    try {
      const started = await runtime.call("startContainer", { containerId });
      onStatus(started.status);
      return started;
    } catch (error) {
      if (!hasCode(error)) throw error;
      this.tell(pod, "Warning", "Failed", `Error: ${error.message}`, container.name);
      if (hasCode(error, "CONTAINER_START_FAILED")) {
        onStatus((await runtime.call("containerStatus", { containerId })).status);
      }
      throw error;
    }
  }

  private async pull(pod: Pod, container: Container): Promise<void> {
    const image = container.image ?? "";
    const { runtime } = this.node;
    try {
      await runtime.call("pullImage", { image });
    } catch (error) {
      throw this.pullFailed(pod, container, error);
    }
    this.tell(pod, "Normal", "Pulled", `Container image "${image}" already present on machine`, container.name);
  }

  /** Tells why there is no image, in the kubelet's own words; the error to go on with. */
  private pullFailed(pod: Pod, container: Container, error: unknown): unknown {
    const { image = "", imagePullPolicy, name } = container;
    if (hasCode(error, "INVALID_IMAGE_NAME")) {
      const message = `Failed to apply default image tag "${image}": ${error.message}`;
      this.tell(pod, "Warning", "InspectFailed", message, name);
      this.tell(pod, "Warning", "Failed", "Error: InvalidImageName", name);
      return new InkubeError("INVALID_IMAGE_NAME", message);
    }
    if (!hasCode(error, "IMAGE_NOT_FOUND")) return error;
    if (imagePullPolicy === "Never") {
      const message = `Container image "${image}" is not present with pull policy of Never`;
      this.tell(pod, "Warning", "ErrImageNeverPull", message, name);
      this.tell(pod, "Warning", "Failed", "Error: ErrImageNeverPull", name);
      return new InkubeError("IMAGE_NEVER_PULLED", message);
    }
    this.tell(pod, "Warning", "Failed", `Failed to pull image "${image}": ${error.message}`, name);
    this.tell(pod, "Warning", "Failed", "Error: ErrImagePull", name);
    return error;
  }

  private async configOf(
    pod: Pod,
    container: Container,
    sandbox: PodSandboxStatus,
    attempt: number,
  ): Promise<ContainerConfig> {
    const { node } = this;
    const sources = await node.sources.of(pod);
    const facts = this.facts(pod, sandbox);
    const env = environmentOf(container, facts, await node.services(), sources);
    const lookup = (name: string): string | undefined => env[name];
    const mounts = await this.mounts(pod, container, (path) => expandWhole(path, lookup));
    const memory = parseQuantity(container.resources?.limits?.["memory"]);
    return {
      metadata: { name: container.name, attempt },
      image: container.image ?? "",
      command: (container.command ?? []).map((argument) => expand(argument, lookup)),
      args: (container.args ?? []).map((argument) => expand(argument, lookup)),
      ...(container.workingDir === undefined ? {} : { workingDir: container.workingDir }),
      envs: {
        [CONTAINER_ENVIRONMENT.hosts]: node.hostsFile,
        [CONTAINER_ENVIRONMENT.etcHosts]: JSON.stringify(etcHosts(pod, sandbox.hostname, sandbox.network.ip)),
        ...volumeVariables(container, mounts),
        ...env,
      },
      mounts,
      ports: (container.ports ?? [])
        .filter(({ protocol = "TCP" }) => protocol === "TCP")
        .map((port) => port.containerPort),
      stdin: container.stdin === true,
      stdinOnce: container.stdinOnce === true,
      tty: container.tty === true,
      ...(memory === undefined ? {} : { memoryLimitBytes: Math.floor(memory) }),
      terminationMessagePath: container.terminationMessagePath ?? "/dev/termination-log",
      terminationMessagePolicy:
        container.terminationMessagePolicy === "FallbackToLogsOnError" ? "FallbackToLogsOnError" : "File",
    };
  }

  /** The container's mounts, with all that they need. */
  private async mounts(
    pod: Pod,
    container: Container,
    expandPath: (path: string) => string,
  ): Promise<readonly Mount[]> {
    const { volumes } = this.node;
    const { uid = "" } = pod.metadata ?? {};
    const plans = mountsOf(container, volumes.plansOf(uid), volumes.placesOf(uid), expandPath);
    await volumes.prepare(uid, container.name, plans);
    return plans.map(({ containerPath, hostPath, readonly }) => ({ containerPath, hostPath, readonly }));
  }

  private facts(pod: Pod, sandbox: PodSandboxStatus | undefined): PodFacts {
    const { hostIP, options, allocatable } = this.node;
    return { pod, podIP: sandbox?.network.ip ?? "", hostIP, nodeName: options.nodeName, allocatable };
  }

  async stop(pod: Pod, sandbox: PodSandboxStatus | undefined, operation: Stop): Promise<ContainerStatus> {
    const { ctx, runtime } = this.node;
    const { containerId } = operation;
    const startedMs = ctx.clock.monotonicMs();
    let { graceMs } = operation;
    const container = findContainer(pod, operation.container);
    const hook = container?.lifecycle?.preStop;
    if (operation.runPreStop && hook !== undefined && container !== undefined && sandbox !== undefined) {
      const { status } = await runtime.call("containerStatus", { containerId });
      const answer = await this.hook(hook, container, status, sandbox, graceMs);
      if (!answer.isSuccess) {
        this.tell(pod, "Warning", "FailedPreStopHook", `PreStopHook failed: ${answer.output}`, container.name);
      }
      graceMs = Math.max(graceMs - (ctx.clock.monotonicMs() - startedMs), GRACE_AFTER_HOOK_MS);
    }
    const timeoutMs = graceMs + STOP_SLACK_MS;
    return (await runtime.call("stopContainer", { containerId, timeoutMs: graceMs }, { timeoutMs })).status;
  }

  async remove(containerId: string): Promise<void> {
    await this.node.runtime.call("removeContainer", { containerId });
  }

  /** At once, without a hook or grace. */
  async end(containerId: string): Promise<ContainerStatus> {
    return (await this.node.runtime.call("stopContainer", { containerId, timeoutMs: 0 })).status;
  }

  async cleanup(pod: Pod, sandbox: PodSandboxStatus | undefined): Promise<void> {
    const uid = pod.metadata?.uid ?? "";
    if (sandbox !== undefined) {
      await this.node.runtime.call("removePodSandbox", { podSandboxId: sandbox.id });
      this.node.addresses.release(sandbox.network.askedIp);
    }
    await this.node.volumes.remove(uid);
    this.node.sources.release(uid);
    this.node.tokens.release(uid);
  }

  /** Takes the pod out of the API, unless another one has its name by now. */
  async delete(pod: Pod): Promise<void> {
    const { name = "", namespace, uid } = pod.metadata ?? {};
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    try {
      await this.node.client.delete(pods, name, namespace, { gracePeriodSeconds: 0, ...preconditions });
    } catch (error) {
      if (!hasReason(error, "NotFound", "Conflict")) throw error;
    }
  }

  async probe(
    container: Container,
    probe: Probe,
    status: ContainerStatus,
    network: PodSandboxStatus["network"],
  ): Promise<ProbeAnswer> {
    const timeoutMs = Math.max(1, probe.timeoutSeconds ?? 1) * 1_000;
    if (probe.exec !== undefined) return await this.exec(status.id, probe.exec.command ?? [], timeoutMs);
    return await this.ask(probe, container, status, network, timeoutMs);
  }

  private async hook(
    hook: LifecycleHandler,
    container: Container,
    status: ContainerStatus,
    sandbox: PodSandboxStatus,
    timeoutMs: number,
  ): Promise<ProbeAnswer> {
    if (hook.exec !== undefined) return await this.exec(status.id, hook.exec.command ?? [], timeoutMs);
    if (hook.sleep !== undefined) {
      await this.node.ctx.clock.sleep(Math.min(hook.sleep.seconds * 1_000, timeoutMs));
      return { isSuccess: true, output: "" };
    }
    return await this.ask(hook, container, status, sandbox.network, timeoutMs);
  }

  private async exec(containerId: string, command: readonly string[], timeoutMs: number): Promise<ProbeAnswer> {
    try {
      const request = { containerId, command, timeoutMs };
      const { exitCode, stdout, stderr } = await this.node.runtime.call("execSync", request, {
        timeoutMs: timeoutMs + STOP_SLACK_MS,
      });
      const decoder = new TextDecoder();
      return {
        isSuccess: exitCode === 0,
        output: `${decoder.decode(stdout)}${decoder.decode(stderr)}`.slice(0, OUTPUT_SHOWN),
      };
    } catch (error) {
      if (!(error instanceof InkubeError)) throw error;
      // A command that takes too long has failed; one that could not be run at all says nothing.
      return { isSuccess: false, isUnknown: error.code !== "DEADLINE_EXCEEDED", output: error.message };
    }
  }

  private async ask(
    action: Pick<Probe, "httpGet" | "tcpSocket" | "grpc">,
    container: Container,
    status: ContainerStatus,
    { ip, askedIp }: PodSandboxStatus["network"],
    timeoutMs: number,
  ): Promise<ProbeAnswer> {
    const { ctx } = this.node;
    const { httpGet, tcpSocket, grpc } = action;
    const target = httpGet ?? tcpSocket ?? grpc;
    if (target === undefined) return { isSuccess: false, isUnknown: true, output: "missing probe handler" };
    const address = addressOf(target, container, status, ip);
    if (address === undefined) return { isSuccess: false, output: `the container has no port "${target.port}"` };
    // On an address that all pods share, the port itself may be another pod's.
    const { host = "" } = httpGet ?? tcpSocket ?? {};
    const isOwn = host === "";
    if (isOwn && ip !== askedIp && status.reportsListening && !Object.values(status.listening).includes(address.port)) {
      return { isSuccess: false, output: `the container does not listen on port ${address.port} yet` };
    }
    if (httpGet !== undefined) return await probeHttp(ctx, httpGet, address, timeoutMs);
    if (grpc !== undefined) return await probeGrpc(this.node.health, address, grpc, timeoutMs);
    return await probeTcp(ctx, address, timeoutMs);
  }

  private tell(pod: Pod, type: "Normal" | "Warning", reason: string, message: string, container: string): void {
    this.node.events.event(typedPod(pod), type, reason, message, fieldPathOf(pod, container));
  }
}

/** Where to reach a port of a container: where it really listens, when it is the pod's own. */
function addressOf(
  target: { readonly port: IntOrString; readonly host?: string },
  container: Container,
  status: ContainerStatus,
  ip: string,
): Address | undefined {
  const named = container.ports?.find(({ name }) => name === target.port)?.containerPort;
  const port = typeof target.port === "number" ? target.port : (named ?? Number(target.port));
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return undefined;
  if (target.host !== undefined && target.host !== "") return { host: target.host, port };
  return { host: ip, port: status.listening[port] ?? port };
}

function findContainer(pod: Pod, name: string): Container | undefined {
  return containersOf(pod).find((one) => one.name === name);
}

function containerOf(pod: Pod, name: string): Container {
  const container = findContainer(pod, name);
  if (container === undefined) throw configError(`the pod has no container ${name}`);
  return container;
}

/** Objects from a list come without their type, which events need. */
export function typedPod(pod: Pod): Pod {
  return { ...pod, apiVersion: "v1", kind: "Pod" };
}

/** The part of the pod that an event about a container is about. */
export function fieldPathOf(pod: Pod, container: string): string {
  const lists = ["initContainers", "ephemeralContainers"] as const;
  const list = lists.find((one) => pod.spec?.[one]?.some(({ name }) => name === container)) ?? "containers";
  return `spec.${list}{${container}}`;
}
