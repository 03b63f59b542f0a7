/** What Kubernetes checks of an object before it stores it. An empty list means valid; else throw `invalid(kind, name, causes)`. */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { StatusCause } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import {
  validateConfigMap,
  validateConfigMapUpdate,
  validateLease,
  validateNamespace,
  validateNode,
  validateNodeUpdate,
  validateSecret,
  validateSecretUpdate,
} from "./validation/configuration.ts";
import { validateCoreEvent, validateEventsEvent } from "./validation/event.ts";
import { FieldErrors } from "./validation/field-errors.ts";
import { dns1123Label, dns1123Subdomain, pathSegment } from "./validation/names.ts";
import type { NameRule } from "./validation/object-meta.ts";
import { validateObjectMeta, validateObjectMetaUpdate } from "./validation/object-meta.ts";
import { validatePodCreate, validatePodUpdate } from "./validation/pod.ts";
import {
  validateEndpointSlice,
  validateEndpointSliceUpdate,
  validateEndpoints,
  validateService,
  validateServiceUpdate,
} from "./validation/service.ts";
import { validateDeployment, validateReplicaSet, validateSelectorUpdate } from "./validation/workloads.ts";

/** The rules of a kind, besides those of all metadata. A kind without `update` follows `create` there. */
interface Rules {
  readonly name?: NameRule;
  // The object is of the kind that the rules are listed under.
  readonly create?: (object: never, errors: FieldErrors) => void;
  readonly update?: (object: never, old: never, errors: FieldErrors) => void;
}

function both<T>(
  create: (object: T, errors: FieldErrors) => void,
  update: (object: T, old: T, errors: FieldErrors) => void,
): Rules {
  return {
    create,
    update: (object: T, old: T, errors: FieldErrors): void => {
      create(object, errors);
      update(object, old, errors);
    },
  };
}

/** By kind, or by apiVersion and kind where two groups have one of that name. */
const RULES: Readonly<Record<string, Rules>> = {
  ClusterRole: { name: pathSegment },
  ClusterRoleBinding: { name: pathSegment },
  ClusterTrustBundle: { name: pathSegment },
  ConfigMap: { create: validateConfigMap, update: validateConfigMapUpdate },
  Deployment: both(validateDeployment, validateSelectorUpdate),
  Endpoints: { create: validateEndpoints },
  EndpointSlice: { create: validateEndpointSlice, update: validateEndpointSliceUpdate },
  Event: { name: pathSegment, create: validateCoreEvent },
  "events.k8s.io/v1 Event": { create: validateEventsEvent, update: () => undefined },
  IPAddress: { name: pathSegment },
  Lease: { create: validateLease },
  Namespace: { name: dns1123Label, create: validateNamespace },
  Node: { create: validateNode, update: validateNodeUpdate },
  Pod: {
    create: validatePodCreate,
    update: validatePodUpdate,
  },
  ReplicaSet: both(validateReplicaSet, validateSelectorUpdate),
  Role: { name: pathSegment },
  RoleBinding: { name: pathSegment },
  Secret: { create: validateSecret, update: validateSecretUpdate },
  Service: { name: dns1123Label, create: validateService, update: validateServiceUpdate },
};

function rulesOf(object: KubernetesObject): Rules {
  const exact = `${object.apiVersion} ${object.kind}`;
  const key = Object.hasOwn(RULES, exact) ? exact : (object.kind ?? "");
  return Object.hasOwn(RULES, key) ? (RULES[key] ?? {}) : {};
}

/** `object` has its defaults, name and namespace. */
export function validateCreate(object: KubernetesObject): readonly StatusCause[] {
  const errors = new FieldErrors();
  const rules = rulesOf(object);
  validateObjectMeta(object.metadata ?? {}, rules.name ?? dns1123Subdomain, errors);
  rules.create?.(object as never, errors);
  return errors.causes;
}

/**
 * An update of the main resource (`subresource` absent) or of a subresource such as `status`, of which only the metadata is
 * checked. Immutable fields included.
 */
export function validateUpdate(
  object: KubernetesObject,
  old: KubernetesObject,
  subresource?: string,
): readonly StatusCause[] {
  const errors = new FieldErrors();
  const rules = rulesOf(object);
  validateObjectMetaUpdate(object.metadata ?? {}, old.metadata ?? {}, errors);
  if (subresource !== undefined && subresource !== "") return errors.causes;
  if (rules.update !== undefined) rules.update(object as never, old as never, errors);
  else rules.create?.(object as never, errors);
  return errors.causes;
}
