/** Mistakes in what the API server passes on, asks of webhooks and kubelets, reads of certificates, and in bounds. */
const SENDER = "actors/api-server/io/webhook-sender.ts";
const PROXIES = "actors/api-server/io/proxies.ts";
const FORWARD = "actors/api-server/io/forward.ts";
const DER = "actors/api-server/core/machinery/der.ts";
const ISSUED = "actors/api-server/core/kinds/certificates/pod-certificate.ts";
const TOKENS = "actors/controller-manager/core/account-secret.ts";

const UNIT = "test/unit/actors/api-server/";
const SENT = [`${UNIT}webhooks/webhook-sender.test.ts`];
const CONVERTED = [`${UNIT}custom/webhook-conversion.test.ts`];
const PASSED_ON = [`${UNIT}door/aggregation.test.ts`];
const REMOTE = [`${UNIT}aggregation/aggregation-core.test.ts`];
const PATHS = [`${UNIT}machinery/proxying.test.ts`];
const READ = [`${UNIT}machinery/der.test.ts`];
const POD = [`${UNIT}machinery/pod-certificate.test.ts`];
const METRICS = [`${UNIT}registry/metrics.test.ts`];
const SERVICES = ["test/simulation/controllers/services.test.ts"];

const row = (name, file, find, replace, why, tests) => ({ name, file, find, replace, why, tests });

export const variants = [
  row(
    "webhook-stale-twice",
    SENDER,
    "await attempt(false, call)",
    "await attempt(agent, call)",
    "a webhook whose kept connections are all closed is given up, though it is there",
    SENT,
  ),
  row(
    "webhook-timer-left",
    SENDER,
    "      clearTimeout(timer);\n",
    "",
    "a call that was answered is broken off later, with whatever its connection does then",
    SENT,
  ),
  row(
    "webhook-patience",
    "actors/api-server/webhooks.ts",
    "Math.min(timeoutMs, this.options.webhookTimeoutMs)",
    "timeoutMs",
    "a webhook is waited for as long as its caller likes",
    CONVERTED,
  ),
  row(
    "conversion-failure-kept",
    "actors/api-server/conversions.ts",
    "    this.underWay.get(stored)?.delete(served.info.apiVersion);\n",
    "",
    "a revision that could not be converted once never can",
    CONVERTED,
  ),
  row(
    "conversion-bytes",
    "actors/api-server/conversions.ts",
    "bytes + stored.sizeBytes > bytesMax",
    "bytes < 0",
    "a webhook is sent all of a list at once, however large",
    CONVERTED,
  ),
  row(
    "conversion-events-unbounded",
    "actors/api-server/converted-events.ts",
    "this.waiting.length >= this.limits.waitingMax",
    "false",
    "events wait for a slow webhook without end",
    CONVERTED,
  ),
  row(
    "kubelet-token-shown",
    PROXIES,
    "return { host: kubelet.host, port: portNumber(port) };",
    "return { ...kubelet, port: portNumber(port), token: this.backend.options.kubeletToken };",
    "whatever listens on a node is sent the token for kubelets",
    PASSED_ON,
  ),
  row(
    "proxy-client-gone",
    FORWARD,
    "  answer.onClose(() => outgoing.destroy());\n",
    "",
    "what a client no longer waits for goes on at the other server",
    PASSED_ON,
  ),
  row(
    "proxy-never-over",
    "actors/api-server/core/rest/under-way.ts",
    "const left = this.of(to) - 1;",
    "const left = this.of(to);",
    "after a thousand requests a server is passed none any more",
    PATHS,
  ),
  row(
    "endpoints-unready",
    "actors/api-server/core/aggregation/service-endpoints.ts",
    "conditions?.ready !== false",
    "conditions !== null",
    "requests are passed on to pods that are not ready",
    REMOTE,
  ),
  row(
    "der-short-length",
    DER,
    "if (length < 128) throw",
    "if (length < 127) throw",
    "a length that is not the shortest is taken, which is no DER",
    READ,
  ),
  row(
    "certificate-lives-on",
    ISSUED,
    "lifetimeMs > maxSeconds * 1_000",
    "lifetimeMs > maxSeconds * 1_000_000",
    "a pod's certificate may live longer than was asked for",
    POD,
  ),
  row(
    "kubelets-patience",
    "actors/api-server/metrics.ts",
    "Math.min(ANSWER_MS, scope.deadlineMs - clock.monotonicMs())",
    "ANSWER_MS",
    "figures are waited for when their client has gone",
    METRICS,
  ),
  row(
    "token-of-another",
    TOKENS,
    "(uid === undefined || uid === account.metadata?.uid)",
    "uid !== null",
    "a Secret that names an account by its uid gets a token of the next one of that name",
    SERVICES,
  ),
];
