/**
 * The exchanges, on a real etcd: what a client is answered does not depend on whose etcd it is. Needs `etcd` on this machine (Debian:
 * etcd-server), and is left out without.
 */
import { afterAll, describe } from "vitest";
import { GatewayEtcd } from "../fixtures/gateway-etcd.ts";
import { hasEtcd, RealEtcd } from "../fixtures/real-etcd.ts";
import { exchangeSuite } from "./exchange-suite.ts";

let etcd: RealEtcd | undefined;
let gateway: GatewayEtcd | undefined;
afterAll(async () => {
  gateway?.close();
  await etcd?.stop();
});

describe.skipIf(!hasEtcd)("on a real etcd", () => {
  exchangeSuite(async () => {
    etcd = await RealEtcd.start();
    gateway = await GatewayEtcd.at(etcd.endpoint);
    return gateway.asFake();
  });
});
