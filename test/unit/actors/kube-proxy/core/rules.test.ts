import { describe, expect, it } from "vitest";
import { BALANCER_DEFAULTS } from "../../../../../actors/kube-proxy/core/balancer.ts";
import { annotationChange } from "../../../../../actors/kube-proxy/core/publishing.ts";
import { Rules } from "../../../../../actors/kube-proxy/core/rules.ts";
import { endpointsOf, servicePorts } from "../../../../../actors/kube-proxy/core/service-ports.ts";
import { parseCidr, Topology } from "../../../../../actors/kube-proxy/core/topology.ts";
import type { Service } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { EndpointSlice } from "../../../../../protocols/kubernetes/types/discovery-v1.ts";

const WEB: Service = {
  metadata: { name: "web", namespace: "shop" },
  spec: {
    type: "NodePort",
    clusterIP: "127.96.0.7",
    ports: [
      { name: "http", port: 80, targetPort: "http", nodePort: 30_080 },
      { name: "dns", port: 53, protocol: "UDP" },
    ],
  },
};

function slice(name: string, change: Partial<EndpointSlice> = {}): EndpointSlice {
  return {
    metadata: { name, namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8_080 }],
    endpoints: [{ addresses: ["127.64.0.2"], nodeName: "worker-0", conditions: { ready: true } }],
    ...change,
  };
}

function rules(): Rules {
  return new Rules({ nodeName: "worker-0", nodeIP: "127.32.0.1", shards: 1, balancer: BALANCER_DEFAULTS });
}

const OWNER = new Set([0]);
const places = (subject: Rules, shards: ReadonlySet<number>): readonly string[] =>
  subject.wanted(shards).map((wanted) => `${wanted.kind} ${wanted.host}:${wanted.port}`);

describe("Rules", () => {
  it("listens on the Service's address and 127.0.0.1 as owner only, and on its own node always", () => {
    const subject = rules();
    subject.setSlice(slice("web-1"));
    subject.setService(WEB);
    expect(places(subject, OWNER)).toEqual(["cluster 127.96.0.7:80", "node 127.32.0.1:30080", "local 127.0.0.1:30080"]);
    expect(places(subject, new Set())).toEqual(["node 127.32.0.1:30080"]);
  });

  it("does not listen while a Service has no usable endpoint, so that connections are refused at once", () => {
    const subject = rules();
    subject.setService(WEB);
    expect(places(subject, OWNER)).toEqual([]);
    subject.setSlice(slice("web-1", { endpoints: [{ addresses: ["127.64.0.2"], conditions: { ready: false } }] }));
    expect(places(subject, OWNER)).toEqual([]);
    subject.setSlice(slice("web-1"));
    expect(places(subject, OWNER)).toHaveLength(3);
    subject.removeSlice(slice("web-1"));
    expect(places(subject, OWNER)).toEqual([]);
  });

  it("does not listen on a node without endpoints when the external policy is Local", () => {
    const subject = rules();
    subject.setService({ ...WEB, spec: { ...WEB.spec, externalTrafficPolicy: "Local" } });
    subject.setSlice(slice("web-1", { endpoints: [{ addresses: ["127.64.1.2"], nodeName: "worker-1" }] }));
    expect(places(subject, OWNER)).toEqual(["cluster 127.96.0.7:80", "local 127.0.0.1:30080"]);
  });

  it("finds a port by number, by name, or as the only one, and says when there is none", () => {
    const subject = rules();
    subject.setService(WEB);
    const request = { namespace: "shop", service: "web" };
    expect(subject.resolve({ ...request, port: 80 })).toBe(subject.resolve({ ...request, port: "http" }));
    expect(subject.resolve(request)).toBe(subject.resolve({ ...request, port: 80 }));
    for (const port of [81, "dns"]) expect(() => subject.resolve({ ...request, port })).toThrow(/no Service shop\/web/);
  });

  it("keeps what it knows of endpoints when a Service changes, and forgets ports that are gone", () => {
    const subject = rules();
    subject.setService(WEB);
    const before = subject.balancer("shop/web:80");
    subject.setService({ ...WEB, metadata: { ...WEB.metadata, labels: { a: "b" } } });
    expect(subject.balancer("shop/web:80")).toBe(before);
    subject.setService({ ...WEB, spec: { ...WEB.spec, ports: [{ port: 81 }] } });
    expect(subject.balancer("shop/web:80")).toBeUndefined();
    subject.removeService("shop/web");
    expect(subject.balancer("shop/web:81")).toBeUndefined();
  });

  it("places a requester by its pod address and by its node's own address", () => {
    const subject = rules();
    subject.setNodes(() => [
      {
        metadata: { name: "worker-1", labels: { "topology.kubernetes.io/zone": "a" } },
        spec: { podCIDR: "127.64.1.0/24" },
        status: { addresses: [{ type: "InternalIP", address: "127.32.0.2" }] },
      },
    ]);
    const listener = { host: "127.96.0.7", port: 80, kind: "cluster" as const, servicePort: "shop/web:80" };
    expect(subject.originOf(listener, "127.64.1.9")).toMatchObject({ node: "worker-1", zone: "a", external: false });
    expect(subject.originOf(listener, "::ffff:127.32.0.2")).toMatchObject({ node: undefined });
    expect(subject.originOf(listener, "127.32.0.2").node).toBe("worker-1");
    expect(subject.originOf(listener, "127.0.0.1").node).toBeUndefined();
  });

  it("writes the names of Services, of headless Services' pods, and where moved ports are", () => {
    const subject = rules();
    subject.setService({
      ...WEB,
      metadata: { ...WEB.metadata, annotations: { "inkube.dev/address": '{"80":"127.96.0.7:41233"}' } },
    });
    const db = { name: "db", namespace: "shop" };
    subject.setService({ metadata: db, spec: { clusterIP: "None", ports: [{ port: 5_432 }] } });
    subject.setService({
      metadata: { name: "mail", namespace: "shop" },
      spec: { type: "ExternalName", externalName: "mail.test" },
    });
    subject.setSlice(
      slice("db-1", {
        metadata: { name: "db-1", namespace: "shop", labels: { "kubernetes.io/service-name": "db" } },
        endpoints: [
          { addresses: ["127.64.0.9"], hostname: "db-0", conditions: { ready: true } },
          { addresses: ["127.64.0.3"], conditions: { ready: false } },
        ],
      }),
    );
    expect(subject.hosts()).toEqual({
      names: {
        "db-0.db.shop": ["127.64.0.9"],
        "db.shop": ["127.64.0.9"],
        "mail.shop": ["mail.test"],
        "web.shop": ["127.96.0.7"],
      },
      ports: { "127.96.0.7:80": "127.96.0.7:41233" },
      srv: {
        "_dns._udp.web.shop": [{ name: "web.shop.svc.cluster.local", port: 53 }],
        "_http._tcp.db.shop": [{ name: "db-0.db.shop.svc.cluster.local", port: 8_080 }],
        "_http._tcp.web.shop": [{ name: "web.shop.svc.cluster.local", port: 80 }],
      },
    });
  });

  it("names the pods of a headless Service by their address where they have no name", () => {
    const subject = rules();
    subject.setService({ metadata: { name: "db", namespace: "shop" }, spec: { clusterIP: "None" } });
    const labels = { "kubernetes.io/service-name": "db" };
    const metadata = { name: "db-1", namespace: "shop", labels };
    subject.setSlice(slice("db-1", { metadata, endpoints: [{ addresses: ["127.64.0.9"] }] }));
    expect(subject.hosts()).toMatchObject({
      names: { "127-64-0-9.db.shop": ["127.64.0.9"], "db.shop": ["127.64.0.9"] },
      srv: { "_http._tcp.db.shop": [{ name: "127-64-0-9.db.shop.svc.cluster.local", port: 8_080 }] },
    });
  });
});

describe("service ports and endpoints", () => {
  it("leaves out what is not TCP, and addresses that a Service of its type has not", () => {
    expect(servicePorts(WEB).map((port) => port.port)).toEqual([80]);
    expect(servicePorts({ ...WEB, spec: { ...WEB.spec, type: "ClusterIP" } })[0]?.nodePort).toBeUndefined();
    expect(servicePorts({ ...WEB, spec: { ...WEB.spec, clusterIP: "None" } })[0]?.clusterIP).toBeUndefined();
    expect(servicePorts({ ...WEB, spec: { ...WEB.spec, type: "ExternalName" } })).toEqual([]);
  });

  it("joins slices, and takes the readier of two entries for one address", () => {
    const unready = slice("web-2", { endpoints: [{ addresses: ["127.64.0.2"], conditions: { ready: false } }] });
    const found = endpointsOf(
      [unready, slice("web-1"), slice("web-3", { ports: [{ name: "other", port: 1 }] })],
      "http",
    );
    expect(found.map((each) => [each.key, each.ready])).toEqual([["127.64.0.2:8080", true]]);
  });

  it("takes an endpoint without conditions for ready", () => {
    const found = endpointsOf([slice("web-1", { endpoints: [{ addresses: ["127.64.0.2"] }] })], "http");
    expect(found[0]).toMatchObject({ ready: true, serving: true, terminating: false });
  });
});

describe("topology", () => {
  it("reads ranges of any length and refuses what is none", () => {
    expect(parseCidr("127.64.3.9/24")).toEqual({ network: 0x7f400300, prefix: 24 });
    for (const bad of ["", "127.0.0.1", "127.0.0/8", "300.0.0.0/8", "127.0.0.0/33"])
      expect(parseCidr(bad)).toBeUndefined();
    const topology = new Topology();
    topology.setNodes(() => [{ metadata: { name: "a" }, spec: { podCIDRs: ["127.80.0.0/12"] } }]);
    expect(topology.placeOf("127.95.255.1")?.node).toBe("a");
    expect(topology.placeOf("127.96.0.1")).toBeUndefined();
  });
});

describe("annotationChange", () => {
  const wanted = { host: "127.96.0.7", port: 80, kind: "cluster" as const, servicePort: "shop/web:80" };
  const annotated = (value: string): Service => ({
    ...WEB,
    metadata: { ...WEB.metadata, annotations: { "inkube.dev/address": value } },
  });

  it("publishes a port that moved, removes the note when it is home again, and says nothing twice", () => {
    const moved = [{ wanted, bound: { host: "127.96.0.7", port: 41_233 } }];
    const note = '{"80":"127.96.0.7:41233"}';
    expect(annotationChange(WEB, moved)).toBe(note);
    expect(annotationChange(annotated(note), moved)).toBeUndefined();
    expect(annotationChange(annotated(note), [{ wanted, bound: wanted }])).toBeNull();
    expect(annotationChange(annotated(note), [{ wanted, bound: undefined }])).toBeUndefined();
    expect(annotationChange(WEB, [{ wanted, bound: wanted }])).toBeUndefined();
  });

  it("writes anew what somebody else has spoilt", () => {
    expect(annotationChange(annotated("nonsense"), [{ wanted, bound: wanted }])).toBeNull();
  });
});
