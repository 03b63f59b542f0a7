import { runActor } from "../../runtime/threads/thread.ts";
import { traceCollectorActor } from "./trace-collector.ts";

runActor(traceCollectorActor);
