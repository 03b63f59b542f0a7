/**
 * Mistakes in what the API server passes on, asks of webhooks and kubelets, reads of certificates, and in bounds; and those of a tired
 * colleague: at one of two doors, on the way of an error, off by one.
 */
const CLIENT = "actors/api-server/io/https-client.ts";
const ANSWER = "actors/api-server/io/answer-text.ts";
const AGGREGATION = "actors/api-server/aggregation.ts";
const LINKS = "actors/api-server/core/rest/html-links.ts";
const REGISTRATION = "actors/api-server/core/aggregation/registration.ts";
const PROXIES = "actors/api-server/io/proxies.ts";
const FORWARD = "actors/api-server/io/forward.ts";
const DER = "protocols/der-reader.ts";
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
const HOSTILE = [`${UNIT}door/hostile.test.ts`];
const SEATED = [`${UNIT}flow/levels.test.ts`, `${UNIT}flow/flow-control.test.ts`];
const IN_PIECES = [`${UNIT}pieces.test.ts`];
const DOCUMENTS = [`${UNIT}door/openapi-documents.test.ts`];
const STREAMED = [`${UNIT}door/watch-stream.test.ts`];
const DEFINED = [`${UNIT}custom/served-definitions.test.ts`];
const STORED = [`${UNIT}cache/store.test.ts`];
const REGISTRY = [`${UNIT}registry/registry.test.ts`];
const MUTATED = [`${UNIT}mutation.test.ts`];
const CACHED = [`${UNIT}cache/cache.test.ts`];
const NAMED = [`${UNIT}door/custom-resources.test.ts`];
const PRUNED = [`${UNIT}custom/pruning.test.ts`];
const DEAR = [`${UNIT}custom/hostile.test.ts`];
const SIGNED = [`${UNIT}tokens/tokens.test.ts`];
const DOOR = [`${UNIT}door/door.test.ts`];
const ADDRESSED = [`${UNIT}registry/services.test.ts`];
const FLAGS = ["test/unit/actors/cluster/envtest/flags.test.ts"];
const RENEWED = ["test/unit/actors/kubelet/core/token-life.test.ts"];

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
    "      clearTimeout(timer);\n      signal",
    "      signal",
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
    "    if (known?.get(apiVersion)?.review === review) known.delete(apiVersion);\n",
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
  row(
    "body-late-whole",
    "actors/api-server/io/door.ts",
    '    source.on("end", () => {\n      late.cancel();\n',
    '    source.on("end", () => {\n',
    "a request whose body came in time is broken off while its answer is being made",
    HOSTILE,
  ),
  row(
    "unread-body-kept",
    "actors/api-server/io/http1-answer.ts",
    'this.request.complete ? {} : { connection: "close" }',
    "{}",
    "the rest of a body that was refused is taken for the next request",
    HOSTILE,
  ),
  row(
    "gzip-vary",
    "actors/api-server/io/answers.ts",
    '"vary" in headers && headers.vary !== undefined ? `Accept-Encoding, ${headers.vary}` : "Accept-Encoding"',
    '"Accept-Encoding"',
    "who keeps a compressed answer gives it to clients that want another form",
    DOCUMENTS,
  ),
  row(
    "held-watch-twice",
    "actors/api-server/io/watch-stream.ts",
    "    else before();\n",
    "",
    "what waits for a slow watcher is counted again with each event",
    STREAMED,
  ),
  row(
    "openapi-index-remotes",
    "actors/api-server/io/openapi-documents.ts",
    "if (this.v3?.of !== of || this.v3.remotes !== remotes) this.v3",
    "if (this.v3?.of !== of) this.v3",
    "the index is unchanged to who has it from before another server's documents changed",
    AGGREGATED,
  ),
  row(
    "upgrade-early",
    "runtime/threads/switched-protocols.ts",
    "  if (early.length > 0) server.write(early);\n",
    "",
    "what a client sends with its wish for another protocol is lost",
    PROXIED,
  ),
  row(
    "seats-one-less",
    "actors/api-server/core/flow/levels.ts",
    "wanted <= level.seats ||",
    "wanted < level.seats ||",
    "one request fewer than a level has seats for is served",
    SEATED,
  ),
  row(
    "waiting-takes-a-turn",
    "actors/api-server/core/flow/levels.ts",
    "if (isTurn && waiting.length === 0 && this.fits(level, width, true)) {",
    "if (isTurn && this.fits(level, width, true)) {",
    "who comes later begins before those that wait",
    SEATED,
  ),
  row(
    "late-work-goes-on",
    "actors/api-server/pieces.ts",
    "      job.steps.return(undefined);\n",
    "",
    "what a client no longer waits for is not ended",
    IN_PIECES,
  ),
  row(
    "large-work-first",
    "actors/api-server/pieces.ts",
    "const job = small ?? this.large.shift();",
    "const job = this.large.shift() ?? small;",
    "a small definition waits for a large one",
    IN_PIECES,
  ),
  row(
    "actor-definition-unawaited",
    "actors/api-server/actor-door.ts",
    "      await this.backend.store.consistent(scope.deadlineMs);\n",
    "      void this.backend.store.consistent(scope.deadlineMs).catch(() => {});\n",
    "an actor is told that there is no such kind a moment after it was defined by another server",
    DEFINED,
  ),
  row(
    "actor-watch-left",
    "actors/api-server/actor-door.ts",
    "    if (sink.signal.aborted) close();\n    else sink",
    "    sink",
    "a watch whose reader has gone while it was opened goes on for ever",
    STORED,
  ),
  row(
    "collection-abandoned",
    "actors/api-server/dispatch.ts",
    "() => input.abandoned());",
    "() => false);",
    "a collection is deleted to its end though nobody waits for it",
    REGISTRY,
  ),
  row(
    "patience-longest",
    "actors/api-server/pipeline.ts",
    "Math.min(timeoutMs, options.requestTimeoutMs)",
    "Math.max(timeoutMs, options.requestTimeoutMs)",
    "a request is carried out for as long as its client likes, and no shorter",
    STORED,
  ),
  row(
    "released-claims",
    "actors/api-server/registry.ts",
    'return { action: "remove", object, release: releasedBy(rules, current.object as Fields) };',
    'return { action: "remove", object };',
    "the address of a Service that goes with its last finalizer is never given again",
    REGISTRY,
  ),
  row(
    "generate-name-tries",
    "actors/api-server/registry.ts",
    "if (tries >= NAME_TRIES_MAX)",
    "if (tries > NAME_TRIES_MAX)",
    "a ninth name is drawn",
    REGISTRY,
  ),
  row(
    "queues-kept",
    "actors/api-server/mutation.ts",
    "      if (this.queues.get(name) === settled) this.queues.delete(name);\n",
    "",
    "each object that was ever written stays in memory",
    MUTATED,
  ),
  row(
    "removed-by-others",
    "actors/api-server/mutation.ts",
    'if (attempts.lost && outcome.action === "remove"',
    'if (outcome.action === "remove"',
    "of two who delete an object both are told that they have",
    STORED,
  ),
  row(
    "lease-last-seen",
    "actors/api-server/store.ts",
    "if (known === undefined || modRevision < known)",
    "if (known === undefined || modRevision > known)",
    "of the leases of Events the one that was used last ends first",
    STORED,
  ),
  row(
    "past-page-twice",
    "actors/api-server/lists.ts",
    "key = `${last.key}\\0`;",
    "key = last.key;",
    "in a list of the past the last object of each page comes twice",
    STORED,
  ),
  row(
    "bookmark-behind",
    "actors/api-server/watches.ts",
    "const revision = Math.max(this.from, this.store.revision);",
    "const revision = this.store.revision;",
    "a bookmark leads a watcher back to before where it began",
    STORED,
  ),
  row(
    "expected-kept",
    "actors/api-server/core/cache/resource-cache.ts",
    "    this.labels.clear();\n    this.expected.clear();\n",
    "    this.labels.clear();\n",
    "after the caches were loaded anew an object that is gone is still there for writers",
    CACHED,
  ),
  row(
    "shape-names",
    "actors/api-server/catalog.ts",
    "[metadata?.uid, metadata?.generation, status?.acceptedNames]",
    "[metadata?.uid, metadata?.generation]",
    "a short name that a definition gets later is not served",
    NAMED,
  ),
  row(
    "definition-taken-over",
    "actors/api-server/definitions.ts",
    "if (definition === undefined || definition.metadata?.resourceVersion !== metadata?.resourceVersion) return;",
    "if (definition === undefined || definition.metadata?.resourceVersion === metadata?.resourceVersion) return;",
    "what a server has begun to delete stays when that server is gone",
    DEFINED,
  ),
  row(
    "nulls-first-only",
    "actors/api-server/core/custom/pruning.ts",
    "for (const item of value) dropped = dropNulls(item, schema.items) || dropped;",
    "for (const item of value) dropped = dropped || dropNulls(item, schema.items);",
    "of a list the nulls of the first item alone are taken out",
    PRUNED,
  ),
  row(
    "rules-budget-each",
    "actors/api-server/core/custom/rule-validation.ts",
    "    this.#left -= limit - left;\n",
    "    this.#left -= 0;\n",
    "each rule has the budget of all",
    DEAR,
  ),
  row(
    "token-refused-early",
    "actors/api-server/tokens.ts",
    "=== undefined) return undefined;\n    await this.registry.store.consistent(clock.monotonicMs() + options.requestTimeoutMs);\n",
    "=== undefined) return undefined;\n",
    "the token of an account is refused by a server that has not heard of the account yet",
    SIGNED,
  ),
  row(
    "token-year-any",
    "actors/api-server/core/tokens/token-request.ts",
    "spec.audiences.every((audience)",
    "spec.audiences.some((audience)",
    "a token for others as well lives for a year",
    SIGNED,
  ),
  row(
    "impersonated-last",
    "actors/api-server/core/rest/impersonation.ts",
    "wanted.user ||= value;",
    "wanted.user = value;",
    "of two names the last one counts",
    DOOR,
  ),
  row(
    "endpoints-of-others",
    "actors/api-server/core/aggregation/service-endpoints.ts",
    'targetRef?.kind !== "Pod" || targetRef.namespace !== namespace',
    'targetRef?.kind !== "Pod"',
    "who may write slices leads requests for a Service to pods of other namespaces",
    REMOTE,
  ),
  row(
    "grace-later",
    "actors/api-server/core/registry/deletion.ts",
    "formatTime(endMs - (granted - seconds) * 1_000)",
    "formatTime(endMs + (granted - seconds) * 1_000)",
    "a pod that is to end sooner is said to end later",
    REGISTRY,
  ),
  row(
    "health-port-twice",
    "actors/api-server/core/kinds/core/service-addresses.ts",
    "} else if (own.has(asked) || !free",
    "} else if (!free",
    "one port is a node port and the health check's",
    ADDRESSED,
  ),
  row(
    "flag-first",
    "actors/cluster/envtest/flags.ts",
    "return this.values.get(name)?.at(-1);",
    "return this.values.get(name)?.at(0);",
    "of a flag that is given twice the first counts",
    FLAGS,
  ),
  row(
    "flag-port-max",
    "actors/cluster/envtest/flags.ts",
    "port <= 65_535",
    "port <= 65_536",
    "a port that there is not is taken",
    FLAGS,
  ),
  row(
    "token-file-groups",
    "actors/cluster/envtest/token-file.ts",
    'const [, token = "", user = "", uid = "", groups = ""] =',
    'const [, token = "", user = "", groups = "", uid = ""] =',
    "uids and groups of a token file are taken for each other",
    FLAGS,
  ),
  row(
    "token-renewed-late",
    "actors/kubelet/core/token-life.ts",
    "Math.min(lifeMs * RENEWED_AFTER, DAY_MS)",
    "Math.max(lifeMs * RENEWED_AFTER, DAY_MS)",
    "a pod's token is fetched anew when it has ended",
    RENEWED,
  ),
];
