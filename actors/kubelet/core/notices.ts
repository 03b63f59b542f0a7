/** What a pod asks for that is taken and not done. Its owner is told once, by events. */
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { containersOf } from "./sources.ts";

/** One sentence for each field that is not honoured. */
export function noticesOf(pod: Pod): readonly string[] {
  const notices: string[] = [];
  const ofFiles = new Set<string>();
  for (const { name, emptyDir, configMap, secret, downwardAPI, projected } of pod.spec?.volumes ?? []) {
    if (emptyDir?.medium === "Memory") notices.push(`volume "${name}": medium Memory: it is a directory on disk here`);
    if (emptyDir?.sizeLimit !== undefined) notices.push(`volume "${name}": sizeLimit is not enforced`);
    if ((configMap ?? secret ?? downwardAPI ?? projected) !== undefined) ofFiles.add(name);
  }
  for (const container of containersOf(pod)) {
    const tell = (what: string): void => void notices.push(`container "${container.name}": ${what}`);
    for (const { name, readOnly, mountPropagation = "None" } of container.volumeMounts ?? []) {
      if (readOnly === true && !ofFiles.has(name))
        tell(`the mount of "${name}" can be written to: readOnly is not enforced`);
      if (mountPropagation !== "None") tell(`the mount of "${name}" has no mountPropagation ${mountPropagation}`);
    }
    for (const { action = "" } of container.restartPolicyRules ?? []) {
      if (action !== "Restart") tell(`the action ${action} of restartPolicyRules is not supported`);
    }
  }
  for (const { name, targetContainerName } of pod.spec?.ephemeralContainers ?? []) {
    if (targetContainerName !== undefined) notices.push(`container "${name}": targetContainerName is not supported`);
  }
  return notices;
}
