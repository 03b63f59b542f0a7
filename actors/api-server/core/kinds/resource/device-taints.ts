/** Taints of devices, and what tolerates them. Source: Kubernetes `pkg/apis/resource/validation`. */
import type { DeviceTaint, DeviceToleration } from "../../../../../protocols/kubernetes/types/resource-v1.ts";
import { labelValue, qualifiedName } from "../../machinery/validation/names.ts";
import type { DeviceErrors } from "./device-errors.ts";

const EFFECTS = ["NoExecute", "NoSchedule", "None"];

/** @param old what it was; an effect that stays is let through */
export function validateTaint(
  at: string,
  taint: Partial<DeviceTaint>,
  old: Partial<DeviceTaint> | undefined,
  { byHand, declared }: DeviceErrors,
): void {
  const { key = "", value = "", effect } = taint;
  byHand.all(`${at}.key`, key, qualifiedName(key));
  if (value !== "") byHand.all(`${at}.value`, value, labelValue(value));
  if (old !== undefined && old.effect === effect) return;
  if (!effect) declared.required(`${at}.effect`);
  else declared.oneOf(`${at}.effect`, effect, EFFECTS);
}

export function validateTolerations(
  field: string,
  tolerations: readonly DeviceToleration[] | undefined,
  errors: DeviceErrors,
): void {
  for (const [i, toleration] of (tolerations ?? []).entries()) validateToleration(`${field}[${i}]`, toleration, errors);
}

function validateToleration(at: string, toleration: DeviceToleration, { byHand, declared }: DeviceErrors): void {
  const { key = "", value = "", effect } = toleration;
  const operator: string = toleration.operator ?? "";
  if (operator === "Exists" && value !== "") {
    byHand.invalid(`${at}.value`, value, "must be empty for operator `Exists`");
  }
  if (operator === "Equal") byHand.all(`${at}.value`, value, labelValue(value));
  if (key !== "") declared.all(`${at}.key`, key, qualifiedName(key));
  if (operator === "") declared.required(`${at}.operator`);
  else declared.oneOf(`${at}.operator`, operator, ["Equal", "Exists"]);
  if (effect) declared.oneOf(`${at}.effect`, effect, EFFECTS);
}
