/** The chaos harness: `import { explore } from "inkube/chaos"`. */
export { simulate } from "./simulate.ts";
export type { ForkableWorld } from "./simulate.ts";
export type { ClusterSize, World, WorldOptions } from "./world.ts";
export { explore, replay } from "./explore.ts";
export type { Replayed } from "./explore.ts";
export type { ChaosReport, Found } from "./searcher.ts";
export type { Budget, Exploration, ExplorationFile, Mode, Search, Step } from "./exploration.ts";
export type { Pattern } from "./patterns.ts";
export type {
  AttachedController,
  AwaitingInformer,
  CommandController,
  ControllerUnderTest,
  Env,
  ModuleController,
  StartedController,
} from "./controller.ts";
export {
  always,
  converges,
  defaultOracles,
  eventually,
  never,
  noHotLoop,
  sameEnd,
  sameLives,
  sometimes,
} from "./oracles.ts";
export { noLeakedObjects } from "./leaks.ts";
export { watchGuarantees } from "./watch-guarantees.ts";
export type { Finding, Judged, Oracle } from "./oracles.ts";
export type { Change, History, Printed, State, Struck } from "./history.ts";
export type { EndState, Lives } from "./end-state.ts";
export type { Failure, RunResult } from "./run.ts";
export type { Story } from "./story.ts";
export type { SeenBookmark, SeenDelivery, SeenRequest, SeenWatch } from "../../../protocols/api-witness.ts";
export type { ApiFault, EventWhen, ObjectPattern, When } from "../../../protocols/api-faults.ts";
export type { Fault, FaultPlan } from "../../../runtime/faults/plan.ts";
