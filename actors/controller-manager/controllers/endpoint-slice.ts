/** EndpointSlices and Endpoints of Services with a selector. Both are written from one look at the pods. */
import { hasReason } from "../../../protocols/api-server.ts";
import type { Pod, Service } from "../../../protocols/kubernetes/types/core-v1.ts";
import { matchesPlainSelector } from "../../../protocols/kubernetes/selectors.ts";
import { keyOf, objectKey } from "../../client/core/store.ts";
import type { Change } from "../../client/informer.ts";
import { endpoints, endpointSlices } from "../../client/resources.ts";
import type { WorkQueue } from "../../client/work-queue.ts";
import {
  endpointsOf,
  endpointTraits,
  MANAGED_BY,
  MANAGED_BY_LABEL,
  planEndpoints,
  planSlices,
  selectsPods,
  SERVICE_NAME_LABEL,
} from "../core/endpoints.ts";
import type { Session } from "../session.ts";

const ZONE_LABEL = "topology.kubernetes.io/zone";

export function endpointSliceController(session: Session): void {
  const queue = session.queue("endpoint-slice", (key, turn) => reconcile(turn, key));
  session.services.addIndex("namespace", ({ metadata }) => [metadata?.namespace ?? ""]);
  session.endpointSlices.addIndex("service", ({ metadata }) => {
    const labels = metadata?.labels ?? {};
    if (labels[MANAGED_BY_LABEL] !== MANAGED_BY) return [];
    return [objectKey(labels[SERVICE_NAME_LABEL] ?? "", metadata?.namespace)];
  });
  session.services.onChange(({ object }) => queue.add(keyOf(object)));
  session.pods.onChange((change) => onPod(session, queue, change));
  // Written by us as a rule; looked at again when someone else has changed or removed them.
  session.endpointSlices.onChange(({ object, type, previous }) => {
    const service = (type === "deleted" ? (previous ?? object) : object).metadata?.labels?.[SERVICE_NAME_LABEL];
    if (service !== undefined) queue.addAfter(objectKey(service, object.metadata?.namespace), session.options.batchMs);
  });
  session.endpoints.onChange(({ object, type }) => {
    if (type === "deleted") queue.addAfter(keyOf(object), session.options.batchMs);
  });
}

function onPod(session: Session, queue: WorkQueue, { type, object, previous }: Change<Pod>): void {
  if (type === "modified" && previous !== undefined && endpointTraits(previous) === endpointTraits(object)) return;
  if (type === "added" && (object.status?.podIP ?? "") === "") return;
  const namespace = object.metadata?.namespace ?? "";
  for (const service of session.services.byIndex("namespace", namespace)) {
    if (!selectsPods(service)) continue;
    const selector = service.spec?.selector ?? {};
    const selected = matchesPlainSelector(selector, object.metadata?.labels);
    const wasSelected = previous !== undefined && matchesPlainSelector(selector, previous.metadata?.labels);
    if (selected || wasSelected) queue.addAfter(keyOf(service), session.options.batchMs);
  }
}

async function reconcile(session: Session, key: string): Promise<void> {
  const service = session.services.getByKey(key);
  const present = session.endpointSlices.byIndex("service", key);
  if (service === undefined || service.metadata?.deletionTimestamp !== undefined) {
    // The garbage collector removes slices by their owner; Endpoints have none, only a name.
    const stale = session.endpoints.getByKey(key);
    const ours = stale?.metadata?.labels?.["endpoints.kubernetes.io/managed-by"] === "endpoint-controller";
    if (service === undefined && ours)
      await remove(() => session.client.delete(endpoints, stale.metadata?.name ?? "", stale.metadata?.namespace));
    return;
  }
  if (!selectsPods(service)) return;
  const found = endpointsOf(service, session.pods.byIndex("namespace", service.metadata?.namespace ?? ""));
  const zoneOf = (node: string): string | undefined => session.nodes.get(node)?.metadata?.labels?.[ZONE_LABEL];
  const plan = planSlices(service, found, present, zoneOf);
  await unlessEnding(async () => {
    // New endpoints first, so that none is missing in between.
    for (const slice of plan.create) await session.client.create(endpointSlices, slice);
    for (const slice of plan.update) await session.client.update(endpointSlices, slice);
    for (const { metadata } of plan.delete) {
      await remove(() => session.client.delete(endpointSlices, metadata?.name ?? "", metadata?.namespace));
    }
    await reconcileEndpoints(session, service, found);
  });
}

async function reconcileEndpoints(
  session: Session,
  service: Service,
  found: ReturnType<typeof endpointsOf>,
): Promise<void> {
  const present = session.endpoints.getByKey(keyOf(service));
  const wanted = planEndpoints(service, found, present);
  if (wanted === undefined) return;
  if (present === undefined) await session.client.create(endpoints, wanted);
  else await session.client.update(endpoints, wanted);
}

async function remove(deletion: () => Promise<void>): Promise<void> {
  try {
    await deletion();
  } catch (error) {
    if (!hasReason(error, "NotFound")) throw error;
  }
}

/** Nothing can be made in a namespace that is being deleted, and nothing has to be. */
async function unlessEnding(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!hasReason(error, "Forbidden")) throw error;
  }
}
