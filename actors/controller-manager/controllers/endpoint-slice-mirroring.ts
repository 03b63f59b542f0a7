/** EndpointSlices of Services without a selector, after the Endpoints that their owner keeps by hand. */
import { hasReason } from "../../../protocols/api-server.ts";
import { keyOf, objectKey } from "../../client/core/store.ts";
import { endpointSlices } from "../../client/resources.ts";
import { MANAGED_BY_LABEL, SERVICE_NAME_LABEL } from "../core/endpoints.ts";
import { MIRRORED_BY, planMirror } from "../core/endpoints-mirror.ts";
import type { Session } from "../session.ts";

const INDEX = "mirrored";

export function endpointSliceMirroringController(session: Session): void {
  const queue = session.queue("endpoint-slice-mirroring", (key, turn) => reconcile(turn, key));
  session.endpointSlices.addIndex(INDEX, ({ metadata }) => {
    const labels = metadata?.labels ?? {};
    if (labels[MANAGED_BY_LABEL] !== MIRRORED_BY) return [];
    return [objectKey(labels[SERVICE_NAME_LABEL] ?? "", metadata?.namespace)];
  });
  session.services.onChange(({ object }) => queue.add(keyOf(object)));
  session.endpoints.onChange(({ object }) => queue.add(keyOf(object)));
  session.endpointSlices.onChange(({ object, type, previous }) => {
    const labels = (type === "deleted" ? (previous ?? object) : object).metadata?.labels ?? {};
    if (labels[MANAGED_BY_LABEL] !== MIRRORED_BY) return;
    const key = objectKey(labels[SERVICE_NAME_LABEL] ?? "", object.metadata?.namespace);
    queue.addAfter(key, session.options.batchMs);
  });
}

async function reconcile({ client, services, endpoints, endpointSlices: slices }: Session, key: string): Promise<void> {
  const plan = planMirror(services.getByKey(key), endpoints.getByKey(key), slices.byIndex(INDEX, key));
  try {
    for (const slice of plan.create) await client.create(endpointSlices, slice);
    for (const slice of plan.update) await client.update(endpointSlices, slice);
    for (const { metadata } of plan.delete) {
      await client.delete(endpointSlices, metadata?.name ?? "", metadata?.namespace);
    }
  } catch (error) {
    // It is gone already; or its namespace is going, where nothing can be made and nothing has to be.
    if (!hasReason(error, "NotFound", "Forbidden")) throw error;
  }
}
