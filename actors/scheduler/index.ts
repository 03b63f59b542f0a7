import { runActor } from "../../runtime/threads/thread.ts";
import { schedulerActor } from "./scheduler.ts";

runActor(schedulerActor);
