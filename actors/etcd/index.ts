import { runActor } from "../../runtime/threads/thread.ts";
import { etcdActor } from "./etcd.ts";

runActor(etcdActor);
