/** An etcd gateway's thread. */
import { runActor } from "../../runtime/threads/thread.ts";
import { etcdGatewayActor } from "./etcd-gateway.ts";
import { grpcTransport } from "./io/grpc-transport.ts";

runActor(etcdGatewayActor(grpcTransport));
