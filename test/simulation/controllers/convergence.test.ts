import { expect, it } from "vitest";
import { deployments, endpointSlices, replicaSets, services } from "../../../actors/client/resources.ts";
import { hasReason } from "../../../protocols/api-server.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import { SeededRandom } from "../../../runtime/random.ts";
import { ControlPlane } from "./control-plane.ts";
import { isSettled, podsOf, web, webService } from "./objects.ts";

/** Wishes change while actors die; when both stop, the cluster must be as wished, with nothing left over. */
async function story(seed: number): Promise<void> {
  const plane = new ControlPlane({ seed, masters: 3, workers: 3 });
  const random = new SeededRandom(seed, "story");
  await plane.start();
  await plane.do((client) => client.create(services, webService()));
  await plane.do((client) => client.create(deployments, web(3)));
  const kinds = ["etcd", "api-server", "scheduler", "controller-manager", "api-server", "controller-manager"];
  let replicas = 3;
  for (let act = 0; act < 12; act++) {
    await plane.host.run(random.below(600));
    if (random.next() < 0.5) plane.host.kill(`${kinds[random.below(kinds.length)]}-${random.below(3)}`);
    else {
      replicas = random.below(12);
      const image = `nginx:${random.below(3)}`;
      const change = { spec: { replicas, template: { spec: { containers: [{ name: "web", image }] } } } };
      try {
        await plane.do((client) =>
          client.patch(deployments, "web", "default", change, { patchType: "application/strategic-merge-patch+json" }),
        );
      } catch (error) {
        if (!(error instanceof InkubeError) || hasReason(error, "Invalid")) throw error;
        act--;
      }
    }
  }
  await plane.until(`${replicas} replicas`, () => isSettled(plane.client, replicas), 60_000);
  await plane.until("no pod too many", async () => (await podsOf(plane.client)).length === replicas, 60_000);
  const sets = (await plane.do((client) => client.list(replicaSets, { namespace: "default" }))).items;
  expect(sets.reduce((sum, { spec }) => sum + (spec?.replicas ?? 0), 0)).toBe(replicas);
  await plane.until("as many endpoints", async () => {
    const { items } = await plane.client.list(endpointSlices, {
      namespace: "default",
      labelSelector: "kubernetes.io/service-name=web",
    });
    const names = items.flatMap((slice) => slice.endpoints ?? []).map(({ targetRef }) => targetRef?.name);
    return names.length === replicas && new Set(names).size === replicas;
  });
}

it.each([1, 2, 3, 4, 5, 6])(
  "is as wished in the end, whatever died meanwhile (seed %i)",
  (seed) => story(seed),
  60_000,
);
