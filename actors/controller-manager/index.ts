/** A controller-manager's thread. */
import { runActor } from "../../runtime/threads/thread.ts";
import { controllerManagerWith } from "./controller-manager.ts";
import { signCertificate } from "./io/sign-certificate.ts";

runActor(controllerManagerWith(signCertificate));
