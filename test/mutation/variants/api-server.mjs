/** Mistakes in what the API server passes on, asks of webhooks and kubelets, reads of certificates, and in bounds. */
const CLIENT = "actors/api-server/io/https-client.ts";
const ANSWER = "actors/api-server/io/answer-text.ts";
const AGGREGATION = "actors/api-server/aggregation.ts";
const LINKS = "actors/api-server/core/rest/html-links.ts";
const REGISTRATION = "actors/api-server/core/aggregation/registration.ts";
const PROXIES = "actors/api-server/io/proxies.ts";
const FORWARD = "actors/api-server/io/forward.ts";
const DER = "actors/api-server/core/machinery/der.ts";
const ISSUED = "actors/api-server/core/kinds/certificates/pod-certificate.ts";
const TOKENS = "actors/controller-manager/core/account-secret.ts";

const UNIT = "test/unit/actors/api-server/";
const SENT = [`${UNIT}webhooks/https-client.test.ts`];
const CONVERTED = [`${UNIT}custom/webhook-conversion.test.ts`];
const AGGREGATED = [`${UNIT}door/aggregation.test.ts`];
const PASSED_ON = [`${UNIT}door/passed-on.test.ts`];
const PROXIED = [`${UNIT}door/proxies.test.ts`];
const READ_WHOLE = [`${UNIT}door/answer-text.test.ts`];
const LOOKED_AT = [`${UNIT}aggregation/aggregation.test.ts`];
const REGISTERED = [`${UNIT}aggregation/registration.test.ts`];
const MERGED = [`${UNIT}aggregation/remote-openapi.test.ts`];
const PAGES = [`${UNIT}machinery/html-links.test.ts`];
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
    CLIENT,
    "await attempt(false, call)",
    "await attempt(agent, call)",
    "a server whose kept connections are all closed is given up, though it is there",
    SENT,
  ),
  row(
    "answer-timer-left",
    ANSWER,
    "        clearTimeout(timer);\n        const",
    "        const",
    "a call that was answered is broken off later, with whatever its connection does then",
    READ_WHOLE,
  ),
  row(
    "answer-bytes",
    ANSWER,
    "bytes > bytesMax",
    "bytes >= bytesMax",
    "an answer as long as it may be is refused",
    READ_WHOLE,
  ),
  row(
    "answer-bytes-unbounded",
    ANSWER,
    "bytes > bytesMax",
    "bytes > 10 * bytesMax",
    "an answer is kept however long it is",
    READ_WHOLE,
  ),
  row(
    "answer-late-untold",
    ANSWER,
    "      failed(new Error(why));\n      outgoing.destroy();\n",
    "      outgoing.destroy(new Error(why));\n",
    "of an answer that has begun and takes too long it is said that it broke off",
    READ_WHOLE,
  ),
  row(
    "pour-unbounded",
    "actors/api-server/io/http-messages.ts",
    "    if (body.write(chunk)) return;\n    incoming.pause();\n",
    "    if (body.write(chunk)) return;\n",
    "what a slow client does not take is held in memory, however much it is",
    READ_WHOLE,
  ),
  row(
    "aggregation-made-kept",
    AGGREGATION,
    "    const service = this.stored(name);\n    this.made = undefined;\n",
    "    const service = this.stored(name);\n",
    "documents tell of a server as it was when somebody looked first",
    AGGREGATED,
  ),
  row(
    "aggregation-uid",
    AGGREGATION,
    "known === undefined || known.service.metadata?.uid !== service.metadata?.uid",
    "known === undefined",
    "an APIService that is made anew is told of with what another one served",
    LOOKED_AT,
  ),
  row(
    "aggregation-old-finding",
    AGGREGATION,
    "if (current === undefined || current.metadata?.uid !== service.metadata?.uid) return;",
    "if (current === undefined) return;",
    "what was found of an APIService that is gone is written on the next one of its name",
    LOOKED_AT,
  ),
  row(
    "aggregation-look-lost",
    AGGREGATION,
    "      this.looking.set(name, true);\n",
    "",
    "who could not reach a server while it was looked at is not heard",
    LOOKED_AT,
  ),
  row(
    "aggregation-always-looking",
    AGGREGATION,
    "(isAvailable(service) ? THERE_MS : AWAY_MS)",
    "AWAY_MS",
    "servers that are there are asked each second",
    LOOKED_AT,
  ),
  row(
    "aggregation-seldom-looking",
    AGGREGATION,
    "(isAvailable(service) ? THERE_MS : AWAY_MS)",
    "THERE_MS",
    "that a server has come back is noticed after half a minute",
    LOOKED_AT,
  ),
  row(
    "passed-on-given-up",
    PROXIES,
    "      giveUp();\n",
    "",
    "a server is kept busy for a client that was told that it took too long",
    PASSED_ON,
  ),
  row(
    "passed-on-labels",
    "actors/api-server/core/aggregation/remote-discovery.ts",
    '  if (found === undefined) return { ...request, resource: "", subresource: "" };\n',
    "  if (found === undefined) return request;\n",
    "each path that somebody thinks of is a counter more",
    PASSED_ON,
  ),
  row(
    "passed-on-redirect",
    FORWARD,
    "statusCode >= 300 && statusCode < 400",
    "statusCode >= 400 && statusCode < 400",
    "the server behind an APIService may send who asks it anywhere",
    PASSED_ON,
  ),
  row(
    "links-in-scripts",
    LINKS,
    "    if (RAW.has(name)) this.raw = name;\n",
    "",
    "what looks like a link in a script is rewritten",
    PAGES,
  ),
  row(
    "links-held",
    LINKS,
    "read === undefined && text.length - i <= HELD_CHARS_MAX",
    "read === undefined",
    "a page whose tag has no end is held in memory, and read again with each piece of it",
    PAGES,
  ),
  row(
    "openapi-references",
    "actors/api-server/core/aggregation/remote-openapi.ts",
    "          if (chosen !== name) references.set(prefix + name, prefix + chosen);\n",
    "",
    "paths of another server name this one's types",
    MERGED,
  ),
  row(
    "openapi-asked-twice",
    AGGREGATION,
    "remote.openApiV2Asking ??= this",
    "remote.openApiV2Asking = this",
    "each of several readers has other servers asked for their documents",
    AGGREGATED,
  ),
  row(
    "registration-first-objects",
    REGISTRATION,
    'labels?.[MANAGED_LABEL] !== "true"',
    "labels?.[MANAGED_LABEL] === undefined",
    "the APIServices of built-in groups are deleted, which no definition makes",
    REGISTERED,
  ),
  row(
    "registration-last",
    REGISTRATION,
    "if (count === 0)",
    "if (by < 0)",
    "an APIService goes with the first of several definitions that serve its version",
    REGISTERED,
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
    PROXIED,
  ),
  row(
    "proxy-client-gone",
    FORWARD,
    "  answer.onClose(() => outgoing.destroy());\n",
    "",
    "what a client no longer waits for goes on at the other server",
    PROXIED,
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
