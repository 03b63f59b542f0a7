/** The controller-manager actor: among its peers one leads, and runs every controller. */
import { apiServerProtocol } from "../../protocols/api-server.ts";
import type { ControllerManagerMethods } from "../../protocols/controller-manager.ts";
import { controllerManagerProtocol } from "../../protocols/controller-manager.ts";
import type { ActorDefinition } from "../../runtime/actor.ts";
import { defineActor } from "../../runtime/actor.ts";
import { Client } from "../client/client.ts";
import { EventRecorder } from "../client/event-recorder.ts";
import { LeaderElector } from "../client/leader-election.ts";
import { clusterRoleAggregationController } from "./controllers/cluster-role-aggregation.ts";
import { certificateSigningController } from "./controllers/certificate-signing.ts";
import { cronJobController } from "./controllers/cron-job.ts";
import { daemonSetController } from "./controllers/daemon-set.ts";
import { deploymentController } from "./controllers/deployment.ts";
import { directoryProvisioner } from "./controllers/directory-provisioner.ts";
import { disruptionController } from "./controllers/disruption.ts";
import { endpointSliceController } from "./controllers/endpoint-slice.ts";
import { endpointSliceMirroringController } from "./controllers/endpoint-slice-mirroring.ts";
import { ephemeralVolumeController } from "./controllers/ephemeral-volume.ts";
import { garbageCollector } from "./controllers/garbage-collector.ts";
import { horizontalPodAutoscalerController } from "./controllers/horizontal-pod-autoscaler.ts";
import { jobController } from "./controllers/job.ts";
import { namespaceController } from "./controllers/namespace.ts";
import { nodeIpamController } from "./controllers/node-ipam.ts";
import { nodeLifecycleController } from "./controllers/node-lifecycle.ts";
import { persistentVolumeBinder } from "./controllers/persistent-volume-binder.ts";
import { podGarbageCollector } from "./controllers/pod-garbage-collector.ts";
import { replicaSetController, replicationController } from "./controllers/replica-set.ts";
import { resourceQuotaController } from "./controllers/resource-quota.ts";
import { serviceAccountController } from "./controllers/service-account.ts";
import { serviceAccountTokenController } from "./controllers/service-account-token.ts";
import { statefulSetController } from "./controllers/stateful-set.ts";
import { storageProtectionController } from "./controllers/storage-protection.ts";
import { taintEvictionController } from "./controllers/taint-eviction.ts";
import { ttlAfterFinishedController } from "./controllers/ttl-after-finished.ts";
import { volumeExpansionController } from "./controllers/volume-expansion.ts";
import type { ControllerManagerIo } from "./controller-manager-io.ts";
import type { Controller } from "./session.ts";
import { Session } from "./session.ts";
import type { ControllerManagerOptions } from "./spec.ts";
import { CONTROLLER_MANAGER_DEFAULTS } from "./spec.ts";

const controllersOf = (io: ControllerManagerIo): readonly Controller[] => [
  nodeIpamController,
  nodeLifecycleController,
  taintEvictionController,
  serviceAccountController,
  serviceAccountTokenController,
  deploymentController,
  replicaSetController,
  replicationController,
  statefulSetController,
  daemonSetController,
  jobController,
  cronJobController,
  ttlAfterFinishedController,
  disruptionController,
  horizontalPodAutoscalerController,
  endpointSliceController,
  endpointSliceMirroringController,
  namespaceController,
  persistentVolumeBinder,
  directoryProvisioner(io),
  volumeExpansionController,
  ephemeralVolumeController,
  storageProtectionController,
  clusterRoleAggregationController,
  resourceQuotaController,
  garbageCollector,
  podGarbageCollector,
  ...(io.sign === undefined ? [] : [certificateSigningController(io.sign)]),
];

export type ControllerManagerActor = ActorDefinition<
  ControllerManagerMethods,
  Pick<ControllerManagerOptions, "apiServers" | "peers"> & Partial<ControllerManagerOptions>
>;

/** @param ioOf what it has of the machine, by its options */
export function controllerManagerActor(
  ioOf: (options: ControllerManagerOptions) => ControllerManagerIo = () => ({}),
): ControllerManagerActor {
  return defineActor(controllerManagerProtocol, (given) => {
    const ctx = { ...given, options: { ...CONTROLLER_MANAGER_DEFAULTS, ...given.options } };
    const controllers = controllersOf(ioOf(ctx.options));
    const client = new Client(ctx, ctx.options.apiServers);
    const recorder = new EventRecorder(ctx, client, "kube-controller-manager");
    let session: Session | undefined;
    const elector = new LeaderElector(
      ctx,
      client,
      {
        name: "kube-controller-manager",
        identity: ctx.options.identity ?? ctx.name,
        peers: ctx.options.peers,
        ...ctx.options.lease,
      },
      {
        onStartedLeading: () => {
          session = new Session(ctx, client, recorder);
          session.start(controllers);
        },
        onStoppedLeading: () => {
          session?.stop();
          session = undefined;
        },
      },
    );
    elector.start();
    return {
      handlers: {
        caughtUp: async (_request, { timeoutMs }) => {
          if (session === undefined) return null;
          // What a server has pushed to our watches before its answer arrives before it. One that is down pushes nothing.
          const servers = ctx.options.apiServers.map((name) => ctx.ref(apiServerProtocol, name));
          await Promise.allSettled(servers.map((server) => server.call("ready", null, { timeoutMs })));
          await session?.whenIdle();
          return null;
        },
        status: () => ({
          leading: elector.isLeading,
          queues: session?.queueSizes() ?? {},
          faults: session?.faults ?? 0,
        }),
      },
      stop: () => elector.stop(),
    };
  });
}
