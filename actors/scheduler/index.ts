import { runActor } from "../../runtime/threads/thread.ts";
import { loadPlugins } from "./io/plugin-modules.ts";
import { schedulerActorWith } from "./scheduler.ts";

runActor(schedulerActorWith(loadPlugins));
