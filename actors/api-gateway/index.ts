/** An API gateway's thread. */
import { runActor } from "../../runtime/threads/thread.ts";
import { apiGatewayActor } from "./api-gateway.ts";
import { httpsTransport } from "./io/https-transport.ts";

runActor(apiGatewayActor(httpsTransport));
