import { runActor } from "../../runtime/threads/thread.ts";
import { apiServerActor } from "./api-server.ts";
import { openAuditLog } from "./io/audit-log.ts";
import { httpsDoor } from "./io/door.ts";
import { httpsClient } from "./io/https-client.ts";
import { kubeletStats } from "./io/kubelet-stats.ts";
import { tokenKeys } from "./io/token-keys.ts";

const outward = { readStats: kubeletStats, openHttps: httpsClient, openAuditLog };

runActor(apiServerActor(httpsDoor(), tokenKeys, outward));
