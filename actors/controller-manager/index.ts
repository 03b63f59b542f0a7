import { runActor } from "../../runtime/threads/thread.ts";
import { controllerManagerActor } from "./controller-manager.ts";

runActor(controllerManagerActor);
