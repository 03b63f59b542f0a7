/** VolumeAttachments. Source: Kubernetes `pkg/apis/storage`. The inline volume is kept, and its own rules are not looked at. */
import type { VolumeAttachment, VolumeError } from "../../../../../protocols/kubernetes/types/storage-v1.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { equalJson } from "../../machinery/json-value.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { caselessSubdomain, dns1123Subdomain } from "../../machinery/validation/names.ts";
import { METADATA_AND_SPEC } from "../../managed-fields/field-filter.ts";
import type { KindRules } from "../rules.ts";

const MESSAGE_BYTES_MAX = 1024;

export const volumeAttachmentRules: KindRules = {
  resetFields: { status: METADATA_AND_SPEC },
  returnsDeletedObject: true,
  statusKeepsMetadata: true,
  validate,
  validateUpdate: (object: VolumeAttachment, old: VolumeAttachment, errors) => {
    validate(object, errors);
    if (!equalJson(object.spec, old.spec)) errors.invalid("spec", null, "field is immutable");
  },
  validateStatusUpdate: (object: VolumeAttachment, _old: VolumeAttachment, errors) => validate(object, errors),
  cells,
};

const ONE_SOURCE = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";

function validate({ spec, status }: VolumeAttachment, errors: FieldErrors): void {
  if (!spec.attacher) errors.required("spec.attacher");
  else errors.all("spec.attacher", spec.attacher, caselessSubdomain(spec.attacher));
  const { inlineVolumeSpec: inline, persistentVolumeName: name } = spec.source;
  if (inline === undefined && name === undefined) errors.required("spec.source", ONE_SOURCE);
  else if (inline !== undefined && name !== undefined) errors.forbidden("spec.source", ONE_SOURCE);
  else if (name === "") {
    errors.required("spec.source.persistentVolumeName", "must specify non empty persistentVolumeName");
  }
  errors.all("spec.nodeName", spec.nodeName, dns1123Subdomain(spec.nodeName));
  for (const field of ["attachError", "detachError"] as const) {
    if (status?.[field]) validateError(`status.${field}`, status[field], errors);
  }
  if (name !== undefined) errors.all("spec.source.persistentVolumeName", name, dns1123Subdomain(name));
}

function validateError(at: string, { message, errorCode }: VolumeError, errors: FieldErrors): void {
  if (message !== undefined && message.length > MESSAGE_BYTES_MAX) errors.tooLong(`${at}.message`, MESSAGE_BYTES_MAX);
  if (errorCode !== undefined) errors.inRange(`${at}.errorCode`, errorCode, 0, 2 ** 31 - 1);
}

function cells(object: VolumeAttachment, nowMs: number): readonly Cell[] {
  const { attacher, source, nodeName } = object.spec;
  const attached = object.status?.attached ?? false;
  return [nameOf(object), attacher, source.persistentVolumeName ?? "", nodeName, attached, ageOf(object, nowMs)];
}
