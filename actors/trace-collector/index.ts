import { runActor } from "../../runtime/threads/thread.ts";
import { postOtlp } from "./io/otlp-post.ts";
import { exportingCollector } from "./otlp-export.ts";
import { traceCollectorActor } from "./trace-collector.ts";

runActor(exportingCollector(traceCollectorActor, postOtlp));
