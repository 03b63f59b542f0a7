import { runActor } from "../../runtime/threads/thread.ts";
import { controllerManagerActor } from "./controller-manager.ts";
import { volumeDirectories } from "./io/volume-directories.ts";

runActor(
  controllerManagerActor(({ volumesRoot }) => (volumesRoot === "" ? {} : { volumes: volumeDirectories(volumesRoot) })),
);
