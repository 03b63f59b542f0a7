/** The default story in a cluster that is as small as can be, and short: what controllers, scheduler and kubelets do wrong shows soon. */
import { runScenario } from "../../../actors/cluster/simulation/scenario.ts";

export async function clusterStory(seed: number): Promise<void> {
  await runScenario({ seed, minutes: 0.25, masters: 1, workers: 2 });
}
