import { runActor } from "../../runtime/threads/thread.ts";
import { apiServerActor } from "./api-server.ts";
import { httpsDoor } from "./io/door.ts";
import { reachPeer } from "./io/https-peer.ts";
import { kubeletStats } from "./io/kubelet-stats.ts";
import { tokenKeys } from "./io/token-keys.ts";
import { webhookSender } from "./io/webhook-sender.ts";

const outward = { readStats: kubeletStats, reach: reachPeer, openWebhooks: webhookSender };

runActor(apiServerActor(httpsDoor(), tokenKeys, outward));
