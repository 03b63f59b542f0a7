/**
 * What a StatefulSet's pods and claims are called, and how a pod is made for an ordinal.
 *
 * @see k8s.io/kubernetes/pkg/controller/statefulset/stateful_set_utils.go
 */
import type { ControllerRevision, StatefulSet } from "../../../../protocols/kubernetes/types/apps-v1.ts";
import type { PersistentVolumeClaim, Pod, Volume } from "../../../../protocols/kubernetes/types/core-v1.ts";
import { REVISION_LABEL, templateOf } from "../controller-revisions.ts";
import { podOfTemplate } from "../pod-template.ts";

const POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name";
const POD_INDEX_LABEL = "apps.kubernetes.io/pod-index";
const MEMBER = /^(.*)-([0-9]+)$/;
/** Ordinals are 32-bit numbers. */
const ORDINAL_MAX = 0x7fff_ffff;

/** The ordinal that a pod's name gives it in the set; undefined where it is no name of the set's. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const [, parent, digits] = MEMBER.exec(pod.metadata?.name ?? "") ?? [];
  const ordinal = Number(digits);
  const isMember = parent === set.metadata?.name && String(ordinal) === digits && ordinal <= ORDINAL_MAX;
  return isMember ? ordinal : undefined;
}

export function startOf({ spec }: StatefulSet): number {
  return spec?.ordinals?.start ?? 0;
}

export function wantedReplicas({ spec }: StatefulSet): number {
  return spec?.replicas ?? 1;
}

export function isInRange(set: StatefulSet, ordinal: number): boolean {
  const start = startOf(set);
  return ordinal >= start && ordinal < start + wantedReplicas(set);
}

export function revisionOfPod({ metadata }: Pod): string {
  return metadata?.labels?.[REVISION_LABEL] ?? "";
}

/** A pod of the revision, with the name, host name and claims of its ordinal. */
export function statefulPod(set: StatefulSet, revision: ControllerRevision, ordinal: number): Pod {
  const pod = podOfTemplate(set, { apiVersion: "apps/v1", kind: "StatefulSet" }, templateOf(revision));
  const name = `${set.metadata?.name}-${ordinal}`;
  const labels = { ...pod.metadata?.labels, [REVISION_LABEL]: revision.metadata?.name ?? "" };
  const named: Pod = { ...pod, metadata: { ...pod.metadata, name, labels } };
  const subdomain = set.spec?.serviceName ?? "";
  const spec = {
    ...(pod.spec ?? { containers: [] }),
    hostname: name,
    ...(subdomain === "" ? {} : { subdomain }),
  };
  return withIdentity(set, { ...named, spec }, ordinal);
}

/** Whether a pod has the labels and the claims of its ordinal. */
export function hasIdentity(set: StatefulSet, pod: Pod, ordinal: number): boolean {
  if (pod.metadata?.labels?.[POD_NAME_LABEL] !== pod.metadata?.name) return false;
  return claimsOf(set, ordinal).every(({ template, claim }) =>
    pod.spec?.volumes?.some(
      ({ name, persistentVolumeClaim }) =>
        name === template && persistentVolumeClaim?.claimName === claim.metadata?.name,
    ),
  );
}

/** The pod with the labels and the claims of its ordinal. A volume of the template's own under a claim's name gives way. */
export function withIdentity(set: StatefulSet, pod: Pod, ordinal: number): Pod {
  const { name = "", labels } = pod.metadata ?? {};
  const claims = claimsOf(set, ordinal);
  const claimed = claims.map(({ template, claim }): Volume => ({
    name: template,
    persistentVolumeClaim: { claimName: claim.metadata?.name ?? "" },
  }));
  const others = (pod.spec?.volumes ?? []).filter((volume) => !claims.some(({ template }) => template === volume.name));
  const volumes = [...claimed, ...others];
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      labels: { ...labels, [POD_NAME_LABEL]: name, [POD_INDEX_LABEL]: String(ordinal) },
    },
    spec: { ...(pod.spec ?? { containers: [] }), ...(volumes.length === 0 ? {} : { volumes }) },
  };
}

/** The claims of an ordinal, each with the name of the template that it is made of. */
export function claimsOf(
  set: StatefulSet,
  ordinal: number,
): readonly { readonly template: string; readonly claim: PersistentVolumeClaim }[] {
  return (set.spec?.volumeClaimTemplates ?? []).map(({ metadata, spec }) => {
    const { name: template = "", labels, annotations, finalizers } = metadata ?? {};
    const { name, namespace = "" } = set.metadata ?? {};
    return {
      template,
      claim: {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: {
          name: `${template}-${name}-${ordinal}`,
          namespace,
          labels: { ...labels, ...set.spec?.selector.matchLabels },
          ...(annotations === undefined ? {} : { annotations }),
          ...(finalizers === undefined ? {} : { finalizers }),
        },
        ...(spec === undefined ? {} : { spec }),
      },
    };
  });
}
