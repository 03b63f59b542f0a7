/** The exchanges, on the harness' own etcd. */
import { FakeEtcd } from "../unit/actors/api-server/harness/fake-etcd.ts";
import { exchangeSuite } from "./exchange-suite.ts";

exchangeSuite(() => new FakeEtcd());
