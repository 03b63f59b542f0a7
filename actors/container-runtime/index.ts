/** The container runtime's thread. */
import { runActor } from "../../runtime/threads/thread.ts";
import { containerRuntimeActor } from "./container-runtime.ts";
import { machineIo } from "./io/machine.ts";

runActor(containerRuntimeActor(machineIo(new URL("../images/", import.meta.url))));
