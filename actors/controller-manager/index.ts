/** A controller-manager's thread. */
import { runActor } from "../../runtime/threads/thread.ts";
import { controllerManagerActor } from "./controller-manager.ts";
import { signCertificate } from "./io/sign-certificate.ts";
import { volumeDirectories } from "./io/volume-directories.ts";

runActor(
  controllerManagerActor(({ volumesRoot }) => ({
    sign: signCertificate,
    ...(volumesRoot === "" ? {} : { volumes: volumeDirectories(volumesRoot) }),
  })),
);
