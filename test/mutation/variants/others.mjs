/** Mistakes in what isolates faults, in links, and in what the API server, the kubelet and controllers decide. */
const QUEUE = "actors/client/work-queue.ts";
const INFORMER = "actors/client/informer.ts";
const SESSION = "actors/scheduler/scheduling-session.ts";
const LINKS = "runtime/simulation/sim-links.ts";
const RECORDER = "runtime/trace/recorder.ts";
const RING = "runtime/trace/ring.ts";
const PLAN = "runtime/faults/check-plan.ts";
const ADDRESS = "actors/cluster/api-address.ts";
const OPTIONS = "actors/api-server/core/rest/options.ts";
const MUTATION = "actors/api-server/mutation.ts";
const SERVICES = "actors/api-server/core/kinds/core/service-changes.ts";
const ADMISSION = "actors/api-server/core/kinds/core/pod-admission.ts";
const UNHONOURED = "actors/api-server/core/machinery/unhonoured.ts";
const NEWS = "actors/kubelet/core/runtime-news.ts";
const PATCH = "actors/kubelet/core/status-patch.ts";
const VOLUMES = "actors/kubelet/core/volumes.ts";
const MIRROR = "actors/controller-manager/core/endpoints-mirror.ts";
const HEALTH = "actors/controller-manager/core/node-health.ts";
const TOPOLOGY = "actors/cluster/topology.ts";
const WORKERS = "actors/cluster/workers.ts";
const EXPLAIN = "actors/cluster/explain-wait.ts";
const WAIT = "actors/cluster/wait.ts";
const LOST = "actors/etcd/lost-disks.ts";
const LEASES = "actors/etcd/leases.ts";
const ALARMS = "actors/etcd/alarms.ts";

const FAULTY = ["test/simulation/controllers/faulty-objects.test.ts"];
const CLIENT = ["test/simulation/client/client.test.ts"];
const WATCHDOG = "runtime/threads/watchdog.ts";
const HANG_STACK = "runtime/threads/hang-stack.ts";
const STACK = ["test/unit/runtime/threads/hang-stack.test.ts"];
const WATCHED = ["test/unit/runtime/threads/watchdog.test.ts"];
const LINKED = ["test/unit/runtime/simulation/sim-link-sessions.test.ts"];
const ORDER = ["test/unit/runtime/trace/order.test.ts", "test/unit/runtime/ring.test.ts"];
const PLANS = ["test/unit/runtime/faults/check-plan.test.ts"];
const ADDRESSES = ["test/unit/actors/cluster/api-address.test.ts"];
const GIVEN = ["test/unit/actors/api-server/registry/options.test.ts"];
const CLAIMS = ["test/unit/actors/api-server/mutation.test.ts"];
const SERVICE = [
  "test/unit/actors/api-server/registry/services.test.ts",
  "test/unit/actors/api-server/registry/service-changes.test.ts",
];
const POD = ["test/unit/actors/api-server/registry/pod-admission.test.ts"];
const WARNINGS = ["test/unit/actors/api-server/machinery/warnings.test.ts"];
const RUNTIME = ["test/unit/actors/kubelet/core/runtime-news.test.ts"];
const STATUS = ["test/unit/actors/kubelet/core/status-patch.test.ts"];
const VOLUME = ["test/unit/actors/kubelet/core/volumes.test.ts"];
const MIRRORED = ["test/unit/actors/controller-manager/core/endpoints-mirror.test.ts"];
const NODES = ["test/unit/actors/controller-manager/core/nodes.test.ts"];
const TREE = ["test/unit/actors/cluster/topology.test.ts"];
const WORKER = ["test/unit/actors/cluster/workers.test.ts"];
const EXPLAINED = ["test/unit/actors/cluster/explain-wait.test.ts"];
const WAITED = ["test/unit/actors/cluster/wait.test.ts"];
const TIMES = ["test/unit/actors/etcd/leases.test.ts"];
const ALARM = ["test/unit/actors/etcd/alarms.test.ts"];

const row = (name, file, find, replace, why, tests) => ({ name, file, find, replace, why, tests });

const faults = [
  row(
    "failed-key-is-lost",
    QUEUE,
    `        this.queue.addRateLimited(key, this.ctx.clock.monotonicMs());\n      }\n      this.metrics.ended(key);`,
    `      }\n      this.metrics.ended(key);`,
    "a key whose reconciliation failed is never tried again",
    [...FAULTY, ...CLIENT],
  ),
  row("fault-not-counted", QUEUE, `    this.faulty++;\n`, ``, "faults of reconcilers are not counted", [
    ...FAULTY,
    ...CLIENT,
  ]),
  row(
    "refusal-is-a-fault",
    QUEUE,
    `    if (error instanceof InkubeError) return this.ctx`,
    `    if (!(error instanceof Error)) return this.ctx`,
    "a refused request counts as a fault of the program",
    [...FAULTY, ...CLIENT],
  ),
  row(
    "key-stays-taken-after-a-fault",
    QUEUE,
    `      this.queue.done(key);\n    }`,
    `      if (this.queue.failuresOf(key) === 0) this.queue.done(key);\n    }`,
    "a key that failed counts as being worked on for ever",
    [...FAULTY, ...CLIENT],
  ),
  row(
    "fault-hides-the-change",
    INFORMER,
    `        this.onFault(thrown, keyOf(change.object));`,
    `        return this.onFault(thrown, keyOf(change.object));`,
    "a listener that throws costs the others the change",
    [...FAULTY, ...CLIENT],
  ),
  row(
    "pod-of-a-faulty-plugin-is-lost",
    SESSION,
    `return this.queue.retry(pod, decidedMs);\n    }`,
    `return;\n    }`,
    "a pod over which a plugin threw is never tried again",
    FAULTY,
  ),
  row(
    "faulty-filter-hides-the-hint",
    SESSION,
    `    } catch {\n      return true;`,
    `    } catch {\n      return false;`,
    "a pod whose filter throws is not tried when a node changes",
    FAULTY,
  ),
  row(
    "fault-keeps-its-place-in-flight",
    SESSION,
    `        await work();\n      } catch (thrown) {\n        this.tellFault("scheduling threw", pod.key, thrown);\n      }\n      this.inFlight--;`,
    `        await work();\n        this.inFlight--;\n      } catch (thrown) {\n        this.tellFault("scheduling threw", pod.key, thrown);\n      }`,
    "a fault while binding counts as under way for ever",
    FAULTY,
  ),
];

const links = [
  row(
    "two-sessions",
    LINKS,
    `    if (newest !== undefined && newest.ended === undefined) return;\n`,
    ``,
    "a second session of two ends begins before the first has ended",
    ["test/unit/runtime/simulation/incarnations.test.ts"],
  ),
  row(
    "up-after-the-end",
    LINKS,
    `    if (session.ended !== undefined) return;\n    const before`,
    `    const before`,
    "an end is told of a link that is over",
    LINKED,
  ),
  row(
    "up-before-down",
    LINKS,
    `    if (before !== undefined) this.down(end, peer, before);\n`,
    ``,
    "an end is not told of the end of the session before",
    LINKED,
  ),
  row(
    "frames-of-a-former-life",
    LINKS,
    `    if (end.links.get(from) === session) end.cell.receive(from, frame);`,
    `    if (end.links.has(from)) end.cell.receive(from, frame);`,
    "a frame of one session arrives in the next",
    LINKED,
  ),
  row(
    "leaves-for-another",
    LINKS,
    `      if (session.left !== end && session.right !== end) continue;\n`,
    ``,
    "the end of an old incarnation ends the links of the new one",
    LINKED,
  ),
  row(
    "early-link-not-ended",
    LINKS,
    `      session.ended = "killed";\n`,
    ``,
    "a link to an actor that never comes does not end",
    LINKED,
  ),
  row(
    "gate-keeps-the-former-link",
    LINKS,
    `    end.gate?.forget(peer);\n`,
    ``,
    "what a fault held back of one link is sent over the next",
    [...LINKED, "test/unit/runtime/faults/simulation.test.ts"],
  ),
];

const trace = [
  row(
    "clock-of-a-frame-is-ignored",
    RECORDER,
    `    if (lamport > this.lamport) this.lamport = lamport;`,
    `    if (lamport > this.lamport + 1e15) this.lamport = lamport;`,
    "an effect may stand before its cause",
    ORDER,
  ),
  row(
    "clock-goes-back-at-a-restart",
    RECORDER,
    `    this.lamport = sink.lastLamport;`,
    `    this.lamport = 0;`,
    "an actor that was restarted stands before its former life when the wall clock went back",
    ORDER,
  ),
  row(
    "newest-is-the-oldest",
    RING,
    `      if (words[record] !== 0) newest =`,
    `      if (words[record] !== 0 && newest === 0) newest =`,
    "a restarted actor goes on after its oldest record",
    ORDER,
  ),
  row(
    "old-time",
    RECORDER,
    `    const sequence = ++this.sequence;\n    this.turn();`,
    `    const sequence = ++this.sequence;`,
    "an event bears the time of the last message",
    ORDER,
  ),
];

const plans = [
  row(
    "break-at-the-end",
    PLAN,
    `breakAfterMs < forMs) return`,
    `breakAfterMs <= forMs) return`,
    "a partition that would break just when it is over",
    PLANS,
  ),
  row(
    "no-operations",
    PLAN,
    `Array.isArray(value) && value.length > 0 && value.every`,
    `Array.isArray(value) && value.every`,
    "a disk error of no operation passes",
    PLANS,
  ),
  row(
    "range-of-one-value",
    PLAN,
    `isMs(value[1]) && value[0] <= value[1]`,
    `isMs(value[1]) && value[0] < value[1]`,
    "a delay that is always the same is refused",
    PLANS,
  ),
  row(
    "once-for-a-while",
    PLAN,
    `forMs === undefined || everyMs !== undefined`,
    `forMs === undefined || forMs >= 0`,
    "an event that happens once has a duration",
    PLANS,
  ),
  row(
    "outsiders-have-disks",
    PLAN,
    `fault.kind.startsWith("clock-") ? everybody : actors`,
    `everybody`,
    "a disk fault of the embedding program passes",
    PLANS,
  ),
  row(
    "unlinked-places",
    PLAN,
    `places.areLinked(left, right)`,
    `(places.areLinked(left, right) || left !== right)`,
    "a fault between places without a link passes",
    PLANS,
  ),
  row("same-id-twice", PLAN, `    ids.add(fault["id"]);\n`, ``, "two faults have one id", PLANS),
];

const door = [
  row(
    "all-leave-a-shared-address",
    ADDRESS,
    `...(ready.length > 0 ? to("withdraw", useless) : [])];`,
    `...to("withdraw", useless)];`,
    "where the port is shared the last server leaves it when none is ready",
    ADDRESSES,
  ),
  row(
    "joins-unready",
    ADDRESS,
    `ready.filter((each) => !each.known.serving)`,
    `known.filter((each) => !each.known.serving)`,
    "a server that is not ready takes part in a shared address",
    ADDRESSES,
  ),
  row(
    "readiness-asked-once",
    ADDRESS,
    `          known.subscription = this.follow(server);\n`,
    ``,
    "a server whose readiness stream broke is never asked again",
    ADDRESSES,
  ),
  row(
    "readiness-of-a-former-life",
    ADDRESS,
    `    this.serverDown(name);\n    this.up.set(`,
    `    this.up.set(`,
    "two subscriptions for one server",
    ADDRESSES,
  ),
  row(
    "options-empty-dry-run",
    OPTIONS,
    `  return stages.length > 0;`,
    `  return true;`,
    "an empty dryRun makes a write that does nothing",
    GIVEN,
  ),
  row(
    "options-both-policies",
    OPTIONS,
    `policy !== undefined && orphan !== undefined`,
    `policy === "" && orphan !== undefined`,
    "orphanDependents beside a policy is passed over",
    GIVEN,
  ),
  row(
    "options-watch-continue",
    OPTIONS,
    `  if (text(given, "continue", kind)) {`,
    `  if (text(given, "continue", kind) === "") {`,
    "a watch that continues a list is not refused",
    ["test/unit/actors/api-server/registry/list-options.test.ts", ...GIVEN],
  ),
  row(
    "options-precondition-version",
    OPTIONS,
    `    ...named("resourceVersion", text(given, "resourceVersion", "Preconditions")),\n`,
    ``,
    "a precondition on the version is passed over",
    GIVEN,
  ),
  row(
    "taken-at-the-revision",
    MUTATION,
    `(claim) => (this.taken.get(claim) ?? 0) > this.store.revision`,
    `(claim) => this.taken.has(claim)`,
    "a claim stays taken although the cache knows better",
    CLAIMS,
  ),
  row(
    "taken-never-forgotten",
    MUTATION,
    `    for (const [known, at] of this.taken) if (at <= this.store.revision) this.taken.delete(known);\n`,
    ``,
    "claims that were taken are remembered for ever",
    CLAIMS,
  ),
  row(
    "service-node-port-twice",
    SERVICES,
    `former && !asked.has(former) ?`,
    `former ?`,
    "a port keeps a node port that another one of the update asks for",
    SERVICE,
  ),
  row(
    "service-health-port-lost",
    SERVICES,
    `    if (before.healthCheckNodePort) spec.healthCheckNodePort = before.healthCheckNodePort;\n`,
    ``,
    "an update that is silent about the health check port gives it a new one",
    SERVICE,
  ),
  row(
    "service-class-stays",
    SERVICES,
    `    if (same("loadBalancerClass")) delete spec.loadBalancerClass;\n`,
    ``,
    "the load balancer's class outlives its type",
    SERVICE,
  ),
  row(
    "service-traffic-policy-stays",
    SERVICES,
    `!isExternal(spec) && same("externalTrafficPolicy")`,
    `!isExternal(spec) && before.type === "ExternalName"`,
    "the policy of traffic from outside outlives its type",
    SERVICE,
  ),
  row(
    "service-families-released",
    SERVICES,
    `(spec.ipFamilies ?? []).slice(0, 1);`,
    `(spec.ipFamilies ?? []).slice(1);`,
    "a Service that becomes single-stack keeps its second family",
    SERVICE,
  ),
  row(
    "service-address-list-stays",
    SERVICES,
    `  else spec.clusterIPs = [ip];\n}\n\nfunction setFamilies`,
    `}\n\nfunction setFamilies`,
    "the list of addresses contradicts the one that was changed",
    SERVICE,
  ),
  row(
    "pod-toleration-of-another-effect",
    ADMISSION,
    `(!one.key || one.key === key) && (!one.effect || one.effect === "NoExecute")`,
    `!one.key || one.key === key`,
    "a toleration of another effect stands for the default one",
    POD,
  ),
  row(
    "pod-toleration-of-all",
    ADMISSION,
    `(!one.key || one.key === key) &&`,
    `one.key === key &&`,
    "a pod that tolerates everything gets limits all the same",
    POD,
  ),
  row(
    "pod-priority-lost-in-update",
    ADMISSION,
    `  const priority = spec.priority ?? old.priority;`,
    `  const priority = spec.priority;`,
    "an update that leaves out the priority loses it",
    [...POD, "test/unit/actors/api-server/registry/registry.test.ts"],
  ),
  row(
    "pod-overhead-empty",
    ADMISSION,
    `Object.keys(overhead).length > 0 && !equalJson(overhead, fixed ?? {})`,
    `spec.overhead !== undefined && fixed === undefined`,
    "an empty overhead is refused",
    POD,
  ),
  row(
    "pod-policy",
    ADMISSION,
    `  if (policy !== preemptionPolicy) {`,
    `  if (policy === "") {`,
    "a preemption policy that contradicts the class passes",
    POD,
  ),
  row(
    "unhonoured-first-item-only",
    UNHONOURED,
    `      for (const [i, item] of value.entries()) this.#look(`,
    `      for (const [i, item] of value.slice(0, 1).entries()) this.#look(`,
    "a field that only the second container sets is not told",
    WARNINGS,
  ),
  row(
    "unhonoured-empty-list",
    UNHONOURED,
    `  return !(Array.isArray(value) && value.length === 0);`,
    `  return true;`,
    "an empty list is told as set",
    WARNINGS,
  ),
  row(
    "unhonoured-benign",
    UNHONOURED,
    `isSet(value) && !this.#isBenign(row, value)) places`,
    `isSet(value)) places`,
    "a value that asks for just what happens is told",
    WARNINGS,
  ),
];

const node = [
  row(
    "news-as-old",
    NEWS,
    `  if (one !== other) return one < other;`,
    `  if (one !== other) return one > other;`,
    "a container goes back",
    RUNTIME,
  ),
  row(
    "news-fewer-ports",
    NEWS,
    `.length < Object.keys(known.listening).length`,
    `.length <= Object.keys(known.listening).length`,
    "news of the same state are dropped",
    RUNTIME,
  ),
  row(
    "news-deleted-stays",
    NEWS,
    `containers.delete(status.id);\n    else if`,
    `containers.set(status.id, status);\n    else if`,
    "a container that was deleted is listed",
    RUNTIME,
  ),
  row(
    "patch-lists-are-merged",
    PATCH,
    `[{ $patch: "replace" }, ...(wanted[field] ?? [])]`,
    `[...(wanted[field] ?? [])]`,
    "an old address stays beside the new one",
    STATUS,
  ),
  row(
    "patch-never-removes",
    PATCH,
    `patch[field] = wanted[field] ?? null;`,
    `patch[field] = wanted[field];`,
    "a field that is no longer so stays",
    STATUS,
  ),
  row(
    "patch-others-conditions",
    PATCH,
    `OWN_CONDITIONS.has(condition.type) || before === undefined`,
    `OWN_CONDITIONS.has(condition.type) || before !== undefined`,
    "the condition of another writer is overwritten",
    STATUS,
  ),
  row(
    "patch-version-order",
    PATCH,
    `one.length === other.length ? one > other : one.length > other.length`,
    `one > other`,
    "version 9 counts as newer than 10",
    STATUS,
  ),
  row(
    "patch-shorter-list",
    "protocols/equality.ts",
    `|| one.length !== other.length) return false;`,
    `) return false;`,
    "a list that has grown counts as equal",
    STATUS,
  ),
  row(
    "volumes-mode-without-group",
    VOLUMES,
    `mode | (this.hasGroup ? GROUP_MODE : 0)`,
    `mode`,
    "a file with a mode of its own can't be read by the pod's group",
    VOLUME,
  ),
  row(
    "volumes-binary-data",
    VOLUMES,
    `Object.entries(map.binaryData ?? {})) data.set(key, decodeBase64(value))`,
    `Object.entries(map.binaryData ?? {})) data.set(key, encoder.encode(value))`,
    "binary data is mounted as base64",
    VOLUME,
  ),
  row(
    "volumes-prefix",
    VOLUMES,
    "const prefix = `${path}/`;",
    "const prefix = path;",
    "a subPath takes in what only begins like it",
    VOLUME,
  ),
  row(
    "volumes-dots",
    VOLUMES,
    `path.split("/").includes("..")`,
    `path.startsWith("..")`,
    "a path leaves its volume by the middle",
    VOLUME,
  ),
  row(
    "volumes-optional-key",
    VOLUMES,
    `    else if (optional !== true) throw configError(missing(key));`,
    `    else throw configError(missing(key));`,
    "an optional key that is missing keeps the pod from starting",
    VOLUME,
  ),
  row(
    "volumes-readonly",
    VOLUMES,
    `mount.readOnly === true || plan.kind === "files"`,
    `mount.readOnly === true`,
    "a container can write to a volume of files",
    VOLUME,
  ),
  row(
    "volumes-projected-not-live",
    VOLUMES,
    `(configMap ?? secret ?? downwardAPI ?? projected) !== undefined,\n  );`,
    `(configMap ?? secret ?? downwardAPI) !== undefined,\n  );`,
    "a projected volume is never brought up to date",
    VOLUME,
  ),
];

const controllers = [
  row(
    "mirror-doubles",
    MIRROR,
    `place.of.size < ADDRESSES_MAX && !place.of.has(address.ip)`,
    `place.of.size < ADDRESSES_MAX`,
    "an address that is there ready and unready counts as unready",
    MIRRORED,
  ),
  row(
    "mirror-update-as-new",
    MIRROR,
    `{ ...before.metadata, labels:`,
    `{ ...slice.metadata, labels:`,
    "an update names no slice",
    MIRRORED,
  ),
  row(
    "mirror-skip",
    MIRROR,
    `metadata?.labels?.[SKIP_LABEL] === "true"`,
    `metadata?.annotations?.[SKIP_LABEL] === "true"`,
    "Endpoints that say they are not to be mirrored are",
    MIRRORED,
  ),
  row(
    "mirror-max",
    MIRROR,
    `place.of.size < ADDRESSES_MAX && `,
    ``,
    "a slice has more endpoints than it may",
    MIRRORED,
  ),
  row(
    "mirror-protocol",
    MIRROR,
    `[name, protocol, port, appProtocol])`,
    `[name, protocol, port])`,
    "ports that differ in what is spoken share a slice",
    MIRRORED,
  ),
  row(
    "grace-of-the-options",
    HEALTH,
    `    seen.deadlineMs = nowMs + seen.graceMs;`,
    `    seen.deadlineMs = nowMs + this.options.graceMs;`,
    "a node whose Lease is good for longer is lost too early",
    NODES,
  ),
  row(
    "grace-shortened",
    HEALTH,
    `Math.max(this.options.graceMs, (lease?.leaseDurationSeconds ?? 0) * 1_000)`,
    `(lease?.leaseDurationSeconds ?? 0) * 1_000`,
    "a Lease that names no duration makes its node lost at once",
    NODES,
  ),
  row(
    "grace-of-a-report",
    HEALTH,
    `Math.max(seen.deadlineMs, nowMs + seen.graceMs);`,
    `Math.max(seen.deadlineMs, nowMs + this.options.graceMs);`,
    "a report of a node gives it less time than its Lease",
    NODES,
  ),
  row(
    "grace-of-the-deaf",
    HEALTH,
    `Math.max(other.deadlineMs, nowMs + this.options.graceMs);`,
    `nowMs + this.options.graceMs;`,
    "a doubt brings deadlines forward",
    NODES,
  ),
  row(
    "first-report-is-news",
    HEALTH,
    `    if (first) return;\n`,
    ``,
    "the first report that is seen counts as news",
    NODES,
  ),
];

const cluster = [
  row(
    "heartbeat-rounds-down",
    TOPOLOGY,
    `leaseDurationSeconds: Math.ceil(`,
    `leaseDurationSeconds: Math.floor(`,
    "a Lease is good for less than the grace period",
    TREE,
  ),
  row(
    "startup-below-grace",
    TOPOLOGY,
    `nodeStartupGraceMs: Math.max(CONTROLLER_MANAGER_DEFAULTS.nodeStartupGraceMs, nodeMonitorGraceMs)`,
    `nodeStartupGraceMs: CONTROLLER_MANAGER_DEFAULTS.nodeStartupGraceMs`,
    "a new node of a large cluster is lost before its second renewal",
    TREE,
  ),
  row(
    "same-api-server-first",
    TOPOLOGY,
    `preferring(names("api-server", masters), index % masters);`,
    `preferring(names("api-server", masters), 0);`,
    "all workers ask the same API server first",
    TREE,
  ),
  row(
    "runtime-shares-a-thread",
    TOPOLOGY,
    `containerRuntime.pods === "simulated" ? placed(runtime) : limited(runtime, options)`,
    `placed(runtime)`,
    "real containers share the thread of others",
    TREE,
  ),
  row(
    "runtime-beside-agents",
    TOPOLOGY,
    `      placed(child(\`\${nodeName}/kube-proxy\``,
    `    ]),\n    group(\`\${nodeName}/net\`, [\n      placed(child(\`\${nodeName}/kube-proxy\``,
    "agents that crash together are not given up together",
    TREE,
  ),
  row(
    "workers-highest-number",
    WORKERS,
    `    while (taken.includes(index)) index++;`,
    `    while (index < taken.length) index++;`,
    "a new worker gets a number that is taken",
    WORKER,
  ),
  row("workers-at-a-time", WORKERS, `this.last.then(work);`, `work();`, "two changes run at the same time", WORKER),
  row(
    "workers-first-failure-is-the-last",
    WORKERS,
    `    this.last = mine.catch(() => undefined);`,
    `    this.last = mine;`,
    "after a change that failed all others do",
    WORKER,
  ),
  row(
    "workers-drain-the-dead",
    WORKERS,
    `?.state === "up") await this.drain`,
    `?.state !== "down") await this.drain`,
    "a worker that is down is drained until the time is up",
    WORKER,
  ),
  row(
    "workers-oldest-first",
    WORKERS,
    `this.removeOne(this.names().at(-1)!, {})`,
    `this.removeOne(this.names().at(0)!, {})`,
    "fewer workers: the oldest goes",
    WORKER,
  ),
  row(
    "workers-order-of-text",
    WORKERS,
    `      .map(Number)\n      .sort((left, right) => left - right);`,
    `      .sort()\n      .map(Number);`,
    "worker-10 stands before worker-2",
    WORKER,
  ),
  row(
    "workers-old-report",
    WORKERS,
    `value === "True" && Date.parse(lastHeartbeatTime ?? "") >= sinceMs`,
    `value === "True" && Date.parse(lastHeartbeatTime ?? "") > 0`,
    "a node of that name from before counts as the new one",
    WORKER,
  ),
  row(
    "workers-lease-stays",
    WORKERS,
    `    await gone(() => client.delete(leases, name, "kube-node-lease"));\n`,
    ``,
    "the Lease of a worker that is gone stays",
    WORKER,
  ),
  row(
    "explain-all-pods",
    EXPLAIN,
    `unready.slice(0, PODS_MAX)`,
    `unready.slice(1, PODS_MAX)`,
    "the first pod is not told",
    EXPLAINED,
  ),
  row(
    "explain-init",
    EXPLAIN,
    `[...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]`,
    `[...(status?.containerStatuses ?? [])]`,
    "an init container that fails is not told",
    EXPLAINED,
  ),
  row(
    "explain-good-conditions",
    EXPLAIN,
    `Failure|Pressure|Remaining|Unavailable$/`,
    `Failure|Remaining|Unavailable$/`,
    "pressure of a node that is not there is told",
    EXPLAINED,
  ),
  row(
    "explain-succeeded",
    EXPLAIN,
    `terminated === undefined || terminated.exitCode === 0`,
    `terminated === undefined`,
    "a container that succeeded is told as stuck",
    EXPLAINED,
  ),
  row(
    "wait-not-synced",
    WAIT,
    `if (over || !informer.synced) return;`,
    `if (over) return;`,
    "what is not listed yet counts as not there",
    WAITED,
  ),
  row("wait-goes-on", WAIT, `      timer.cancel();\n`, ``, "the timer of a wait that is over runs on", WAITED),
  row(
    "wait-late-explains-late",
    WAIT,
    `      informer.stop();\n`,
    ``,
    "the watch of a wait that is over stays open",
    WAITED,
  ),
];

const etcd = [
  row(
    "lost-told-too-early",
    LOST,
    `    if (leaderlessMs <= this.ctx.options.leaderWaitMs) return undefined;\n`,
    ``,
    "a lost quorum is told before the others had time to come",
    ALARM,
  ),
  row(
    "lost-told-each-time",
    LOST,
    `    this.wasQuorumLost = lost !== undefined;\n`,
    ``,
    "a lost quorum fills the log",
    ALARM,
  ),
  row(
    "lost-for-ever",
    LOST,
    `nowMs - atMs <= FORGOTTEN_MS && `,
    ``,
    "who has found its place counts as lost for ever",
    ALARM,
  ),
  row("lost-though-heard", LOST, `    this.asked.delete(name);\n`, ``, "who is heard counts as lost", ALARM),
  row(
    "lease-renewed-by-a-follower",
    LEASES,
    `    if (!this.leading) return read.reject(etcdError("ETCD_LEADER_CHANGED"));\n`,
    ``,
    "a member that leads no longer acknowledges renewals",
    TIMES,
  ),
  row(
    "lease-renewals-without-end",
    LEASES,
    `    if (this.ending.length >= this.ctx.options.requestsMax) return read.reject(etcdError("ETCD_TOO_MANY_REQUESTS"));\n`,
    ``,
    "renewals that wait have no bound",
    TIMES,
  ),
  row(
    "lease-waits-over-the-term",
    LEASES,
    `    for (const read of waiting) read.reject(etcdError("ETCD_LEADER_CHANGED"));\n`,
    ``,
    "a renewal that waits is never answered when the leader changes",
    TIMES,
  ),
  row(
    "lease-others-answered",
    LEASES,
    `      if (read.id === id) read.resolve(`,
    `      if (read.id !== "") read.resolve(`,
    "the end of one lease tells all that theirs has ended",
    TIMES,
  ),
  row(
    "alarm-not-told-at-once",
    ALARMS,
    `    sink.push(this.state);\n  }\n\n  get active`,
    `  }\n\n  get active`,
    "who asks learns of an alarm that is raised at its next change",
    ALARM,
  ),
  row(
    "alarm-told-to-the-gone",
    ALARMS,
    `    sink.signal.addEventListener("abort", () => this.sinks.delete(sink), { once: true });\n`,
    ``,
    "alarms are told to who has left",
    ALARM,
  ),
];

const threads = [
  row(
    "stack-is-told-twice",
    HANG_STACK,
    `      if (isOver) return;\n`,
    ``,
    "a stack that comes just when time is up throws in the program's own thread",
    STACK,
  ),
  row(
    "excused-is-hung",
    WATCHDOG,
    `this.isCrowded() || watched.excuses > 0`,
    `this.isCrowded()`,
    "a thread is ended as hung while it writes the heap snapshot that was asked of it",
    WATCHED,
  ),
  row(
    "excused-for-ever",
    WATCHDOG,
    `return () => void watched.excuses--;`,
    `return () => undefined;`,
    "a thread that was asked for a heap snapshot is never looked at again",
    WATCHED,
  ),
  row(
    "one-excuse-ends-all",
    WATCHDOG,
    `return () => void watched.excuses--;`,
    `return () => void (watched.excuses = 0);`,
    "of two snapshots of one thread, the end of the first makes the second a hang",
    WATCHED,
  ),
];

export const variants = [
  ...threads,
  ...faults,
  ...links,
  ...trace,
  ...plans,
  ...door,
  ...node,
  ...controllers,
  ...cluster,
  ...etcd,
];
