/** A kubelet's thread. */
import { runActor } from "../../runtime/threads/thread.ts";
import { machineIo } from "./io/machine.ts";
import { kubeletActor } from "./kubelet.ts";

runActor(kubeletActor(machineIo()));
