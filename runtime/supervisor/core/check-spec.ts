/** Checks a supervision tree as a whole, before anything of it is started. */
import { InkubeError } from "../../../protocols/errors.ts";
import type { ChildSpec, SupervisorSpec } from "../spec.ts";
import { isSupervisor } from "../spec.ts";

/**
 * Throws INVALID_SPEC, naming the place as `cluster > master-0 > etcd-0: links`.
 * `externals` are the names of peers that are not of the tree, as the embedding program's own.
 */
export function checkSpec(root: SupervisorSpec, externals: readonly string[] = []): void {
  const places = new Map<string, string>();
  for (const name of externals) places.set(name, "outside of the tree");
  const actors = new Set<string>(externals);
  visit(root, "", (spec, path) => {
    const place = `${path}${spec.name}`;
    if (typeof spec.name !== "string" || !NAME.test(spec.name)) {
      invalid(`${place}: name`, "letters, digits, '-', '_', '.' and '/' in between, please");
    }
    const other = places.get(spec.name);
    if (other !== undefined) invalid(`${place}: name`, `is taken by ${other}`);
    places.set(spec.name, place);
    if (isSupervisor(spec)) checkSupervisor(spec, place);
    else {
      checkChild(spec, place);
      actors.add(spec.name);
    }
  });
  visit(root, "", (spec, path) => {
    if (!isSupervisor(spec)) checkLinks(spec, `${path}${spec.name}`, actors);
  });
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*(\/[A-Za-z0-9][A-Za-z0-9_.-]*)*$/;
const RESTARTS = ["permanent", "transient", "temporary"];
const AUTO_SHUTDOWNS = ["never", "any_significant", "all_significant"];
const STRATEGIES = ["one_for_one", "one_for_all", "rest_for_one"];

type Spec = ChildSpec | SupervisorSpec;

function visit(spec: Spec, path: string, check: (spec: Spec, path: string) => void): void {
  check(spec, path);
  if (isSupervisor(spec)) for (const child of spec.children) visit(child, `${path}${spec.name} > `, check);
}

function checkSupervisor(spec: SupervisorSpec, place: string): void {
  if (!STRATEGIES.includes(spec.strategy)) invalid(`${place}: strategy`, `is one of ${STRATEGIES.join(", ")}`);
  if (!Array.isArray(spec.children)) invalid(`${place}: children`, "is a list");
  if (spec.autoShutdown !== undefined && !AUTO_SHUTDOWNS.includes(spec.autoShutdown)) {
    invalid(`${place}: autoShutdown`, `is one of ${AUTO_SHUTDOWNS.join(", ")}`);
  }
  const { intensity, backoff } = spec;
  if (!Number.isSafeInteger(intensity.restarts) || intensity.restarts < 0) {
    invalid(`${place}: intensity.restarts`, "is a whole number from 0");
  }
  positive(intensity.periodMs, `${place}: intensity.periodMs`);
  positive(backoff.initialMs, `${place}: backoff.initialMs`);
  positive(backoff.maxMs, `${place}: backoff.maxMs`);
  if (backoff.maxMs < backoff.initialMs) invalid(`${place}: backoff.maxMs`, "is at least initialMs");
  if (!(backoff.factor >= 1 && backoff.factor < Infinity)) invalid(`${place}: backoff.factor`, "is a number from 1");
  if (!(backoff.jitter >= 0 && backoff.jitter <= 1)) invalid(`${place}: backoff.jitter`, "is a number from 0 to 1");
  positive(backoff.resetAfterMs, `${place}: backoff.resetAfterMs`);
}

function checkChild(spec: ChildSpec, place: string): void {
  if (typeof spec.actor !== "string" || spec.actor === "") invalid(`${place}: actor`, "names an actor definition");
  if (!RESTARTS.includes(spec.restart)) invalid(`${place}: restart`, `is one of ${RESTARTS.join(", ")}`);
  positive(spec.shutdownMs, `${place}: shutdownMs`);
  positive(spec.startTimeoutMs, `${place}: startTimeoutMs`);
  if (spec.significant === true && spec.restart === "permanent") {
    invalid(`${place}: significant`, "is of no use to a permanent child, which never ends for good");
  }
  if (spec.hangAfterMs !== undefined) positive(spec.hangAfterMs, `${place}: hangAfterMs`);
  if (spec.thread !== undefined && (typeof spec.thread !== "string" || spec.thread === "")) {
    invalid(`${place}: thread`, "is the name of a thread");
  }
  if (spec.heapLimitMb !== undefined) positive(spec.heapLimitMb, `${place}: heapLimitMb`);
}

function checkLinks(spec: ChildSpec, place: string, actors: ReadonlySet<string>): void {
  const seen = new Set<string>();
  for (const link of spec.links) {
    if (link === spec.name) invalid(`${place}: links`, "an actor has no link to itself");
    if (!actors.has(link)) invalid(`${place}: links`, `there is no actor ${link}`);
    if (seen.has(link)) invalid(`${place}: links`, `${link} is named twice`);
    seen.add(link);
  }
}

function positive(value: number, place: string): void {
  if (!(typeof value === "number" && value > 0 && value < Infinity)) invalid(place, "is a number above 0");
}

function invalid(place: string, problem: string): never {
  throw new InkubeError("INVALID_SPEC", `${place}: ${problem}`, { details: { place } });
}
