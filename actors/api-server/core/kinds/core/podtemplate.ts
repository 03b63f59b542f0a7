/** PodTemplates. Source: Kubernetes `ValidatePodTemplate`. */
import type { PodTemplate } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { containerCells, labelsText, nameOf } from "../../machinery/cells.ts";
import { member } from "../../machinery/default-values.ts";
import { defaultPodSpec } from "../../machinery/pod-defaults.ts";
import { validateTemplate } from "../../machinery/validation/pod.ts";
import { retoldOfTemplate, templateWarnings } from "../apps/workload.ts";
import type { KindRules } from "../rules.ts";

export const podTemplateRules: KindRules = {
  returnsDeletedObject: true,
  defaults: (object) => defaultPodSpec(member(member(object, "template"), "spec")),
  validate: ({ template }: PodTemplate, errors) => validateTemplate("template", template ?? {}, errors),
  warnings: ({ template }: PodTemplate) => templateWarnings("template.", template),
  retold: (object: PodTemplate, old: PodTemplate) => retoldOfTemplate("template.", object, old, object.template),
  cells: (object: PodTemplate) => [
    nameOf(object),
    ...containerCells(object.template),
    labelsText(object.template?.metadata?.labels),
  ],
};
