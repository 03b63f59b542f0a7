/**
 * A node without containers, for tests of the control plane: it registers, renews its Lease each second, says of each pod
 * bound to it that it runs and is ready, and lets go of a pod that is being deleted.
 */
import { hasReason } from "../../../protocols/api-server.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import type { Node, Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { Cast, Protocol } from "../../../protocols/protocol.ts";
import { cast, protocol } from "../../../protocols/protocol.ts";
import type { ActorDefinition } from "../../../runtime/actor.ts";
import { defineActor } from "../../../runtime/actor.ts";
import { formatMicroTime, formatTime } from "../../../runtime/clock.ts";
import { Client } from "../../../actors/client/client.ts";
import { Informer } from "../../../actors/client/informer.ts";
import { leases, nodes, pods } from "../../../actors/client/resources.ts";

export interface FakeKubeletOptions {
  readonly apiServers: readonly string[];
  readonly node: string;
  readonly cpu: string;
  readonly memory: string;
  readonly pods: string;
}

export type FakeKubeletMethods = { nothing: Cast<null> };

export const fakeKubeletProtocol: Protocol<FakeKubeletMethods> = protocol<FakeKubeletMethods>("fake-kubelet", {
  nothing: cast(),
});

export const fakeKubelet: ActorDefinition<FakeKubeletMethods, FakeKubeletOptions> = defineActor(
  fakeKubeletProtocol,
  (ctx) => {
    const { options, clock } = ctx;
    const client = new Client(ctx, options.apiServers);
    const quietly = async (work: () => Promise<unknown>): Promise<void> => {
      try {
        await work();
      } catch (error) {
        if (!(error instanceof InkubeError)) throw error;
      }
    };
    const now = (): string => formatTime(clock.nowMs());
    const status = (): NonNullable<Node["status"]> => ({
      capacity: { cpu: options.cpu, memory: options.memory, pods: options.pods },
      allocatable: { cpu: options.cpu, memory: options.memory, pods: options.pods },
      conditions: [{ type: "Ready", status: "True", reason: "KubeletReady", lastTransitionTime: now() }],
    });
    const report = async (): Promise<void> => {
      await client.patch(
        nodes,
        options.node,
        undefined,
        { status: status() },
        { patchType: "application/strategic-merge-patch+json", subresource: "status" },
      );
    };
    const register = async (): Promise<void> => {
      const node: Node = { metadata: { name: options.node, labels: { "kubernetes.io/hostname": options.node } } };
      try {
        await client.create(nodes, node);
      } catch (error) {
        if (!hasReason(error, "AlreadyExists")) throw error;
      }
      await report();
    };
    const renew = async (): Promise<void> => {
      const spec = { holderIdentity: options.node, leaseDurationSeconds: 3, renewTime: formatMicroTime(clock.nowMs()) };
      const namespace = "kube-node-lease";
      const present = await client.find(leases, options.node, namespace);
      if (present === undefined) await client.create(leases, { metadata: { name: options.node, namespace }, spec });
      else await client.update(leases, { ...present, spec });
    };
    let address = 1;
    const run = async (pod: Pod): Promise<void> => {
      const { name = "", namespace, uid = "", deletionTimestamp } = pod.metadata ?? {};
      if (deletionTimestamp !== undefined) {
        await client.delete(pods, name, namespace, { gracePeriodSeconds: 0, preconditions: { uid } });
        return;
      }
      if (pod.status?.phase === "Running") return;
      const podIP = `127.64.${Math.floor(address / 250)}.${(address++ % 250) + 1}`;
      const conditions = ["Ready", "ContainersReady"].map((type) => ({
        type,
        status: "True",
        lastTransitionTime: now(),
      }));
      await client.patch(
        pods,
        name,
        namespace,
        {
          metadata: { uid },
          status: { phase: "Running", podIP, podIPs: [{ ip: podIP }], startTime: now(), conditions },
        },
        { patchType: "application/strategic-merge-patch+json", subresource: "status" },
      );
    };
    const informer = new Informer(ctx, client, pods, { fieldSelector: `spec.nodeName=${options.node}` });
    informer.onChange(({ type, object }) => {
      if (type !== "deleted") ctx.spawn(() => quietly(() => run(object)));
    });
    const self = new Informer(ctx, client, nodes, { fieldSelector: `metadata.name=${options.node}` });
    self.onChange(({ type, object }) => {
      const ready = object.status?.conditions?.find((condition) => condition.type === "Ready");
      if (type === "modified" && ready?.status !== "True") ctx.spawn(() => quietly(report));
    });
    ctx.spawn(async () => {
      for (;;) {
        try {
          await register();
          break;
        } catch (error) {
          if (!(error instanceof InkubeError)) throw error;
          await clock.sleep(100);
        }
      }
      informer.start();
      self.start();
      await quietly(renew);
      clock.every(1_000, () => ctx.spawn(() => quietly(renew)));
    });
    return { handlers: { nothing: () => undefined } };
  },
);
