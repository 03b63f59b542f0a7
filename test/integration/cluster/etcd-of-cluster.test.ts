/** The door for etcd's own clients in a whole cluster: behind TLS, for those whom the cluster has made an administrator. */
import { Cluster } from "inkube";
import { afterAll, beforeAll, expect, it } from "vitest";
import { GRPC } from "../../../protocols/etcd-wire/grpc.ts";
import { GrpcClient } from "../../fixtures/etcd-program.ts";

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ masters: 1, workers: 0, controllers: false, etcd: { listen: { port: 0 } } });
});
afterAll(() => cluster.stop());

const clientOf = async (groups: readonly string[]): Promise<GrpcClient> => {
  const [endpoint] = await cluster.etcdEndpoints();
  const { certificate: cert, key } = cluster.clientCertificate("alice", groups);
  return new GrpcClient(endpoint!, { ca: cluster.authority, cert, key });
};
const NAMESPACE = { key: Buffer.from("/registry/namespaces/default") };

it("shows an administrator what the API server has written", async () => {
  const client = await clientOf(["system:masters"]);
  const { kvs } = await client.call("/etcdserverpb.KV/Range", NAMESPACE);
  expect(JSON.parse(Buffer.from(kvs[0]!.value).toString())).toMatchObject({ metadata: { name: "default" } });
  client.close();
});

it("shows nothing to whom the cluster knows under another name", async () => {
  const client = await clientOf(["developers"]);
  const { code, message } = await client.ended("/etcdserverpb.KV/Range", NAMESPACE);
  expect({ code, message }).toEqual({
    code: GRPC.PERMISSION_DENIED,
    message: "the client's certificate is of no one in system:masters",
  });
  client.close();
});

it("does not speak with who shows no certificate", async () => {
  const [endpoint] = await cluster.etcdEndpoints();
  const client = new GrpcClient(endpoint!, { ca: cluster.authority });
  expect((await client.ended("/etcdserverpb.KV/Range", NAMESPACE)).code).toBe(-1);
  client.close();
});

it("refuses options that it does not know", async () => {
  const wrong = { etcd: { listen: { prot: 1 } } } as never;
  await expect(Cluster.start(wrong)).rejects.toThrow("etcd.listen.prot: there are port and tls");
});
