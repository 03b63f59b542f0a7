const RULES = "test/unit/actors/scheduler/core/rules.test.ts";
const SITUATIONS = "test/conformance/scheduling.test.ts";
const HINTS = "test/unit/actors/scheduler/core/hints.test.ts";
const QUEUE = "test/unit/actors/scheduler/core/queue.test.ts";
const CONFIGURATION = "test/unit/actors/scheduler/core/configuration.test.ts";
const core = (file) => `actors/scheduler/core/${file}.ts`;

const row = (name, file, find, replace, why, ...tests) => ({ name, file: core(file), find, replace, why, tests });

/** Mistakes in the scheduler. */
export const variants = [
  row(
    "existing-anti-affinity-forgotten",
    "plugins/inter-pod-affinity",
    "return required.existing.some(taken) ? EXISTING_ANTI_AFFINITY : undefined;",
    "return undefined;",
    "a pod goes where one is that wants to be apart from it",
    RULES,
    SITUATIONS,
  ),
  row(
    "first-of-its-kind-nowhere",
    "plugins/inter-pod-affinity",
    "if (!suitsItself) return false;",
    "return false;",
    "a pod that wants to be beside its own kind waits for ever for the first",
    RULES,
    SITUATIONS,
  ),
  row(
    "skew-without-itself",
    "plugins/pod-topology-spread",
    "(countsItself ? 1 : 0)",
    "0",
    "a domain gets one pod more than maxSkew allows",
    RULES,
    SITUATIONS,
  ),
  row(
    "empty-domains-do-not-count",
    "plugins/pod-topology-spread",
    "  if (pods.size < domains.size) return 0;\n",
    "  if (pods.size < domains.size) return Math.min(...pods.values(), 1_000);\n",
    "pods are spread over the domains that have some already",
    RULES,
    SITUATIONS,
  ),
  row(
    "terminating-pods-spread",
    "spread-constraints",
    "!isEmpty && !other.terminating && selector",
    "!isEmpty && selector",
    "pods that are about to end are spread by",
    RULES,
  ),
  row(
    "counts-of-removed-pods-stay",
    "cache",
    "this.tryOut(placed.info, info, -1);",
    "info.remove(placed.info);",
    "what has gone counts for affinity and spread for ever",
    RULES,
  ),
  row(
    "victims-not-given-back",
    "plugins/default-preemption",
    "for (const other of gone) cache.tryOut(other, node, 1);",
    "gone.clear();",
    "a node looks empty once its pods have been tried out",
    RULES,
  ),
  row(
    "equals-give-way",
    "plugins/default-preemption",
    ".filter(({ priority }) => priority < pod.priority).sort",
    ".filter(({ priority }) => priority <= pod.priority).sort",
    "a pod is evicted for one that is no more urgent",
    RULES,
    SITUATIONS,
  ),
  row(
    "budgets-do-not-spare",
    "plugins/default-preemption",
    "if (--budget.allowed < 0) {",
    "if (--budget.allowed < -1_000) {",
    "pods of a budget that allows no disruption give way as any other",
    SITUATIONS,
  ),
  row(
    "nominated-pods-do-not-count",
    "schedule",
    "if (before.length > 0) {",
    "if (before.length > 1_000) {",
    "room that was made for an urgent pod goes to another",
    SITUATIONS,
  ),
  row(
    "heartbeats-wake",
    "cache",
    'return isAnother ? { kind: "node-updated", node: info } : undefined;',
    'return { kind: "node-updated", node: info };',
    "every heartbeat has all waiting pods tried again",
    HINTS,
  ),
  row(
    "hint-without-the-wanted",
    "plugins/inter-pod-affinity",
    'case "pod-added":\n      return wanted(event.pod);',
    'case "pod-added":\n      return false;',
    "a pod is not told that the one it wants to be beside has come",
    HINTS,
  ),
  row(
    "help-while-held-forgotten",
    "queue",
    "if (queued.held) queued.helped = true;",
    "if (queued.held) return;",
    "who makes room for itself misses that there is some",
    QUEUE,
  ),
  row(
    "weights-of-one",
    "configuration/profiles",
    'if (point === "score") for (const { name, weight = 0 } of chosen) weights.set(name, weight === 0 ? 1 : weight);',
    'if (point === "score") for (const { name } of chosen) weights.set(name, 1);',
    "all plugins weigh the same",
    CONFIGURATION,
    SITUATIONS,
  ),
];
