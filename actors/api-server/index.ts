import { runActor } from "../../runtime/threads/thread.ts";
import { apiServerActor } from "./api-server.ts";
import { httpsDoor } from "./io/door.ts";
import { tokenKeys } from "./io/token-keys.ts";
import { webhookSender } from "./io/webhook-sender.ts";

runActor(apiServerActor(httpsDoor(), tokenKeys, webhookSender));
