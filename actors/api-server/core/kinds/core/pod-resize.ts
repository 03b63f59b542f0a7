/**
 * What the subresource `resize` changes of a pod, and what of that is refused.
 * Source: Kubernetes 1.37 `podResizeStrategy`, `ValidatePodResize`.
 */
import type {
  Container,
  Pod,
  PodSpec,
  ResourceRequirements,
} from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { equalJson } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { validatePod } from "../../machinery/validation/pod.ts";
import type { Fields, SubresourceRules } from "../rules.ts";
import { isMirror, NO_FIELD } from "./pod-ephemeral.ts";
import { qosClass } from "../../../../../protocols/kubernetes/pod-qos.ts";

export const podResize: SubresourceRules = {
  change: (object, old) => {
    const [spec, before] = [specOf(object), specOf(old)];
    const { resources = before.resources } = spec;
    return {
      ...old,
      spec: {
        ...before,
        ...(resources === undefined ? {} : { resources }),
        ...(spec.initContainers && { initContainers: resized(spec.initContainers, before.initContainers) }),
        containers: resized(spec.containers, before.containers),
      },
    };
  },
  validate,
  warnings: (object: Pod, old: Pod) => {
    const lists = ["containers", "initContainers"] as const;
    return lists.flatMap((list) =>
      (specOf(object)[list] ?? []).flatMap(({ resources }, i) => {
        if (equalJson(resources?.limits ?? {}, specOf(old)[list]?.[i]?.resources?.limits ?? {})) return [];
        const why = "a container keeps the limits that it was started with";
        return [`spec.${list}[${i}].resources.limits: stored, but not honoured by inkube: ${why}`];
      }),
    );
  },
};

/** A patch may have taken any of it away. */
function specOf(pod: Fields | Pod): PodSpec {
  const { spec } = pod as { readonly spec?: Partial<PodSpec> | null };
  return { ...spec, containers: spec?.containers ?? [] };
}

/** The containers as they are, with the resources that are asked for; one that nobody knows stays, to be refused. */
function resized(asked: readonly Container[], containers: readonly Container[] = []): readonly Container[] {
  const known = new Map(containers.toReversed().map((container) => [container.name, container]));
  return asked.map((container) => {
    const own = known.get(container.name);
    if (own === undefined) return container;
    const { resources: _before, resizePolicy: _policy, ...rest } = own;
    const { resources, resizePolicy } = container;
    return { ...rest, ...(resources && { resources }), ...(resizePolicy && { resizePolicy }) };
  });
}

function validate(pod: Pod, old: Pod, errors: FieldErrors): void {
  if (isMirror(old)) return errors.forbidden(NO_FIELD, "static pods cannot be resized");
  if (old.spec?.os?.name === "windows") return errors.forbidden(NO_FIELD, "windows pods cannot be resized");
  const [spec, before] = [specOf(pod), specOf(old)];
  validatePod(pod, errors);
  if (!sameContainers(spec, before, errors)) return;
  if (qosClass(spec) !== qosClass(before)) {
    errors.invalid("spec", qosClass(before), "Pod QOS Class may not change as a result of resizing");
  }
  for (const list of LISTS) {
    for (const [i, { resources }] of (spec[list] ?? []).entries()) {
      validateKept(`spec.${list}[${i}].resources`, "resource", resources, before[list]?.[i]?.resources, errors);
    }
  }
  validateKept("spec.resources", "pod-level resource", spec.resources, before.resources, errors);
  if (!equalJson(immutable(spec), immutable(before))) {
    errors.forbidden("spec", "only cpu and memory resources are mutable");
  }
}

const LISTS = ["containers", "initContainers"] as const;

function sameContainers(spec: PodSpec, before: PodSpec, errors: FieldErrors): boolean {
  const counted = errors.causes.length;
  for (const list of LISTS) {
    const [now, then] = [spec[list] ?? [], before[list] ?? []];
    if (now.length !== then.length) errors.forbidden(`spec.${list}`, `${list} may not be added or removed on resize`);
    else {
      for (const [i, { name }] of now.entries()) {
        if (name === then[i]?.name) continue;
        errors.forbidden(`spec.${list}[${i}].name`, "containers may not be renamed or reordered on resize");
      }
    }
  }
  return errors.causes.length === counted;
}

/** Amounts can be changed, and not be taken back. */
function validateKept(
  at: string,
  what: string,
  now: ResourceRequirements | undefined,
  before: ResourceRequirements | undefined,
  errors: FieldErrors,
): void {
  for (const list of ["requests", "limits"] as const) {
    const amounts = now?.[list] ?? {};
    const gone = Object.keys(before?.[list] ?? {}).some((name) => MUTABLE.has(name) && amounts[name] === undefined);
    if (gone) errors.forbidden(`${at}.${list}`, `${what} ${list} cannot be removed`);
  }
}

const MUTABLE: ReadonlySet<string> = new Set(["cpu", "memory"]);

/** What no resize can change. */
function immutable(spec: PodSpec): unknown {
  const { initContainers = [], containers, resources, ...rest } = spec;
  const strip = (container: Container): unknown => ({ ...container, resources: fixed(container.resources) });
  return {
    ...rest,
    resources: fixed(resources),
    initContainers: initContainers.map(strip),
    containers: containers.map(strip),
  };
}

function fixed({ limits = {}, requests = {}, claims = [] }: ResourceRequirements = {}): unknown {
  const rest = (amounts: Readonly<Record<string, string>>): unknown =>
    Object.fromEntries(Object.entries(amounts).filter(([name]) => !MUTABLE.has(name)));
  return { limits: rest(limits), requests: rest(requests), claims };
}
