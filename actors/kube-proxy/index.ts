import { runActor } from "../../runtime/threads/thread.ts";
import { kubeProxyActor } from "./kube-proxy.ts";

runActor(kubeProxyActor);
