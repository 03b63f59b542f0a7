/** Pods of a template. @see GetPodFromTemplate in k8s.io/kubernetes/pkg/controller/controller_utils.go */
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { controllerReference } from "../../../protocols/kubernetes/owners.ts";
import type { Pod, PodTemplateSpec } from "../../../protocols/kubernetes/types/core-v1.ts";

/** A pod as the template wants it, controlled by `owner`. The caller's client makes the name. */
export function podOfTemplate(
  owner: KubernetesObject,
  kind: { readonly apiVersion: string; readonly kind: string },
  template: PodTemplateSpec | undefined,
): Pod {
  const { name, namespace } = owner.metadata ?? {};
  if (template?.spec === undefined || name === undefined || namespace === undefined) {
    throw new Error(`a ${kind.kind} without template or name passed validation`);
  }
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: `${name}-`,
      namespace,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [controllerReference(kind.apiVersion, kind.kind, owner)],
    },
    spec: template.spec,
  };
}
