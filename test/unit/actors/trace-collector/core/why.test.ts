import { describe, expect, it } from "vitest";
import { TraceRecord } from "../../../../../actors/trace-collector/core/record.ts";
import { explain } from "../../../../../actors/trace-collector/core/why.ts";
import { eventsOf, recordOf as record, recordOfWrites } from "../../../../fixtures/trace-lines.ts";

describe("why", () => {
  it("begins with the end of a kubelet, where its node is lost because nobody renews its Lease", () => {
    const events = record(
      "supervisor kill worker-1",
      "supervisor down worker-1/kubelet reason=killed <- supervisor#1",
      "manager timer lease",
      "manager node-lost nodes/worker-1 <- manager#1",
    );
    const { sentence, chain } = explain(events, "node/worker-1");
    expect(sentence).toBe("node worker-1 is lost because worker-1 was killed 3.0 s before.");
    expect(chain.map(({ kind }) => kind)).toEqual(["kill", "down", "node-lost"]);
  });

  it("does not begin with the end of a kubelet that was started again", () => {
    const events = record(
      "supervisor kill worker-1",
      "supervisor down worker-1/kubelet reason=killed <- supervisor#1",
      "worker-1/kubelet start worker-1/kubelet incarnation=b <- supervisor#2",
      "manager timer lease",
      "manager node-lost nodes/worker-1 <- manager#1",
    );
    expect(explain(events, "node/worker-1").first.kind).toBe("timer");
  });

  it("begins with the timer where no kubelet has ended", () => {
    const events = record("manager timer lease", "manager node-lost nodes/worker-1 <- manager#1");
    expect(explain(events, "nodes/worker-1").first.kind).toBe("timer");
  });

  it("tells of trouble until it is over", () => {
    const made = ["api call request", "api write pods/default/a action=put <- api#1"];
    const waits = "scheduler unschedulable pods/default/a nodes=2 NodePorts=2 <- api#1";
    const placed = "scheduler scheduled pods/default/a node=worker-0 <- api#1";
    expect(explain(record(...made), "pod/a").sentence).toBe("a is there: somebody created it.");
    expect(explain(record(...made, waits), "pod/a").sentence).toMatch(
      /^a waits: none of 2 nodes takes it \(NodePorts=2\)/,
    );
    expect(explain(record(...made, waits, placed), "pod/a").sentence).toMatch(/^a is on worker-0/);
  });

  it.each([
    ["configmaps/default/a", ["cm/a", "configmap/a", "ConfigMap/a", "configmaps/default/a", "configmap/default/a"]],
    ["ingresses/shop/a", ["ing/shop/a", "ingress/shop/a", "ingresses/shop/a"]],
    ["networkpolicies/default/a", ["networkpolicy/a"]],
    ["namespaces/a", ["ns/a", "namespace/a"]],
    ["pods/default/a", ["po/a", "Pod/a", "pods/a"]],
  ])("finds %s by whatever its kind is called", (subject, refs) => {
    const events = record("api call request", `api write ${subject} action=put <- api#1`);
    for (const ref of refs) expect(explain(events, ref).sentence, ref).toMatch(/^a is there/);
  });

  it("tells that a container which had ended runs again", () => {
    const crashed = [
      "api call request",
      "runtime container.started pods/default/a container=c <- api#1",
      "runtime container.stopped pods/default/a container=c exitCode=3 <- runtime#1",
    ];
    const other = "runtime container.started pods/default/a container=d <- api#1";
    const again = "runtime container.started pods/default/a container=c <- runtime#2";
    expect(explain(record(...crashed, other), "pod/a").sentence).toMatch(/^a crashes: its container c has ended once/);
    expect(explain(record(...crashed, again), "pod/a").sentence).toMatch(
      /^a runs again: its container c has ended once/,
    );
  });

  it("tells who asked for what is in trouble, and does not say that it is because of that", () => {
    const waits = (cause: string): string => `scheduler unschedulable pods/default/a nodes=1 NodeName=1 <- ${cause}`;
    expect(explain(record("api call request", waits("api#1")), "pod/a").sentence).toBe(
      "a waits: none of 1 nodes takes it (NodeName=1); cluster asked for it 1.0 s before.",
    );
    expect(explain(record("supervisor kill worker-1", waits("supervisor#1")), "pod/a").sentence).toMatch(
      /\(NodeName=1\) because worker-1 was killed 1\.0 s before\.$/,
    );
  });

  it("tells that something has gone, until another of its name comes", () => {
    const put = "api write pods/default/a action=put revision=1 <- api#1";
    const made = ["api call request", put];
    const removed = "api write pods/default/a action=remove revision=2 <- api#1";
    const evicted = "manager pod-evicted pods/default/a node=worker-0 <- api#1";
    const late = "runtime container.stopped pods/default/a container=c exitCode=137 <- api#1";
    const sentenceAfter = (...more: readonly string[]): string => explain(record(...made, ...more), "pod/a").sentence;
    expect(sentenceAfter(removed, late)).toBe("a was deleted: somebody deleted it.");
    expect(sentenceAfter(evicted, removed)).toMatch(/^a was evicted from worker-0/);
    expect(sentenceAfter(evicted, removed, put)).toMatch(/^a is there/);
  });

  it("tells that an actor has ended, until it is started anew", () => {
    const killed = [
      "supervisor asked root do=start",
      "worker-1/kubelet start worker-1/kubelet incarnation=a <- supervisor#1",
      "supervisor kill worker-1",
      "supervisor down worker-1/kubelet reason=killed <- supervisor#2",
    ];
    const ref = "worker-1/kubelet";
    expect(explain(record(...killed), ref).sentence).toMatch(
      /^worker-1\/kubelet ended \(killed\) because worker-1 was/,
    );
    const anew = "worker-1/kubelet start worker-1/kubelet incarnation=b <- supervisor#3";
    expect(explain(record(...killed, anew), ref).sentence).toMatch(/^worker-1\/kubelet was started/);
  });

  it("leaves out messages, but for the first", () => {
    const { chain } = explain(
      record("api call request", "etcd call txn <- api#1", "api write pods/default/a action=put <- etcd#1"),
      "pods/default/a",
    );
    expect(chain.map(({ kind, subject }) => `${kind} ${subject}`)).toEqual(["call request", "write pods/default/a"]);
  });

  it("says when the record does not go back to where it began", () => {
    const { sentence, isWhole } = explain(
      record(
        "scheduler unschedulable pods/default/a nodes=1 NodeName=1 <- api#7",
        "api write pods/default/b action=put",
      ),
      "pod/a",
    );
    expect(isWhole).toBe(false);
    expect(sentence).toMatch(/NodeName=1\); what caused that is not in the record\.$/);
  });

  it("comes to an end where causes go round, and tells of what is not recorded by its code", () => {
    const ring = record("a write pods/default/a action=put <- a#2", "a write pods/default/a action=put <- a#1");
    expect(explain(ring, "pod/a").chain).toHaveLength(1);
    expect(() => explain(ring, "pod/other")).toThrow(expect.objectContaining({ code: "NOT_RECORDED" }));
  });

  it("says who keeps what is being deleted", () => {
    const kept = { metadata: { finalizers: ["shop/keep"] } };
    const going = { metadata: { finalizers: ["shop/keep"], deletionTimestamp: "2026-01-01T00:00:00Z" } };
    const { sentence } = explain(
      recordOfWrites(["configmaps/default/a", kept], ["configmaps/default/a", going]),
      "cm/a",
    );
    expect(sentence).toMatch(/^a is being deleted and waits for shop\/keep/);
  });

  it("quotes what was warned of, where nothing else is known and the object is not well", () => {
    const pod = { metadata: { uid: "u1" }, status: { conditions: [{ type: "Ready", status: "False" }] } };
    const warning = { type: "Warning", reason: "FailedMount", message: "no volume v", involvedObject: { uid: "u1" } };
    const { sentence } = explain(
      recordOfWrites(["pods/default/a", pod], ["events/default/a.1", warning]),
      "pod/a",
      "not-ready",
    );
    expect(sentence).toMatch(/^a does not get on: FailedMount: no volume v/);
  });

  it.each([
    ["spec.replicas", /^spec.replicas of web went from 3 to 5/],
    [
      "metadata.labels.app.kubernetes.io/name",
      /^metadata.labels.app.kubernetes.io\/name of web went from nothing to "shop"/,
    ],
    ['metadata.labels["app.kubernetes.io/name"]', /went from nothing to "shop"/],
  ])("says who changed %s", (field, told) => {
    const web = (replicas: number, labels: object): Record<string, unknown> => ({
      spec: { replicas },
      metadata: { labels },
    });
    const writes = recordOfWrites(
      ["deployments/default/web", web(3, {})],
      ["deployments/default/web", web(5, { "app.kubernetes.io/name": "shop" })],
      ["deployments/default/web", web(5, { "app.kubernetes.io/name": "shop" })],
    );
    const { sentence, chain } = explain(writes, "deploy/web", `changed:${field}`);
    expect(sentence).toMatch(told);
    expect(chain.at(-1)?.detail).toContain("revision=2");
  });

  it("does not say who changed what nobody did", () => {
    const writes = recordOfWrites(["pods/default/a", { spec: { nodeName: "n" } }]);
    expect(() => explain(writes, "pod/a", "changed:spec.nodeName")).toThrow(/no change of spec.nodeName .*; it is "n"/);
  });

  it("tells of a coalesced change what else it was seen to for", () => {
    const { notes, confidence } = explain(
      record(
        "supervisor kill worker-1",
        "supervisor kill worker-2",
        "manager reconcile queue/default/a also=supervisor#2 <- supervisor#1",
        "api write pods/default/a action=put <- manager#1",
      ),
      "pod/a",
    );
    expect(notes).toEqual(["queue/default/a was seen to also because worker-2 was killed"]);
    expect(confidence).toBe("likely");
  });

  it("tells how long before by the order's own clock, where another is wrong", () => {
    // The clock of the controllers is an hour behind; what they do stands behind what they have heard of all the same.
    const [killed, evicted] = eventsOf(
      "supervisor kill worker-1",
      "manager pod-evicted pods/default/a node=worker-1 <- supervisor#1",
    );
    const asked = { ...killed!, lamport: 3_600_000_000, timeMs: 3_600_000 };
    const late = { ...evicted!, lamport: 3_602_500_000, timeMs: 2_500 };
    const skewed = new TraceRecord({ events: [asked, late] });
    expect(explain(skewed, "pod/a").sentence).toContain("because worker-1 was killed 2.5 s before.");
    expect(explain(skewed, "pod/a").chain.map(({ kind }) => kind)).toEqual(["kill", "pod-evicted"]);
  });

  it("tells what it was time for, and not that it was time", () => {
    const probe = (kind: string): string =>
      `kubelet probe.failed pods/default/a container=c probe=${kind} output=HTTP 503 <- kubelet#1`;
    const ended = "runtime container.stopped pods/default/a container=c exitCode=137 <- kubelet#2";
    expect(explain(record("kubelet timer probe", probe("liveness"), ended), "pod/a").sentence).toBe(
      "a crashes: its container c has ended once, last with exit code 137 because the liveness probe of its container c fails (HTTP 503) 1.0 s before.",
    );
    const unready = "kubelet pod.status pods/default/a phase=Running ready=false <- kubelet#2";
    const again = "kubelet pod.status pods/default/a phase=Running ready=true <- kubelet#2";
    expect(explain(record("kubelet timer probe", probe("readiness"), unready), "pod/a", "not-ready").sentence).toMatch(
      /^a is not ready: the readiness probe of its container c fails \(HTTP 503\)/,
    );
    expect(explain(record("kubelet timer probe", probe("readiness"), unready, again), "pod/a", "not-ready").isSo).toBe(
      false,
    );
  });

  it("tells a pod that a new leader finds from who created it", () => {
    const { first, notes } = explain(
      record(
        "api request.create pods/default/a user=ann",
        "api write pods/default/a action=put user=ann revision=1 <- api#1",
        "scheduler leader-elected leases/kube-system/s",
        "scheduler unschedulable pods/default/a nodes=1 NodeName=1 <- scheduler#1",
      ),
      "pod/a",
    );
    expect(first.kind).toBe("request.create");
    expect(notes).toEqual(["scheduler had just begun to look after pods/default/a, and found that change"]);
  });

  it("believes the write that was not seen to, and not that somebody has begun to lead", () => {
    const began = [
      "api request.patch deployments/default/web user=ann",
      "api write deployments/default/web action=put user=ann revision=1 <- api#1",
      "manager leader-elected leases/kube-system/m",
    ];
    const made = "api write replicasets/default/web-1 action=put revision=2 <- manager#2";
    const found = explain(record(...began, "manager reconcile deployment/default/web <- manager#1", made), "rs/web-1");
    expect(found.first.kind).toBe("request.patch");
    expect(found.confidence).toBe("likely");
    const seen = ["manager reconcile deployment/default/web <- api#1", "manager leader-elected leases/kube-system/m"];
    const again = "api write replicasets/default/web-1 action=put revision=2 <- manager#4";
    const anew = record(
      ...began.slice(0, 2),
      ...seen,
      "manager reconcile deployment/default/web <- manager#2",
      again.replace("#4", "#3"),
    );
    expect(explain(anew, "rs/web-1").first.kind).toBe("leader-elected");
  });
});
