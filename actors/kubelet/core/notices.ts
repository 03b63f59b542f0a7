/** What a pod asks for that is taken and not done. Its owner is told once, by events. */
import type { Container, Pod, Volume } from "../../../protocols/kubernetes/types/core-v1.ts";
import { containersOf } from "./sources.ts";

/** One sentence for each field that is not honoured. */
export function noticesOf(pod: Pod): readonly string[] {
  const notices: string[] = [];
  for (const { name, emptyDir } of pod.spec?.volumes ?? []) {
    if (emptyDir?.medium === "Memory") notices.push(`volume "${name}": medium Memory: it is a directory on disk here`);
  }
  for (const container of containersOf(pod)) {
    const tell = (what: string): void => void notices.push(`container "${container.name}": ${what}`);
    for (const { name, mountPropagation = "None" } of container.volumeMounts ?? []) {
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

/** One sentence for each mount of a container that has started and that is not as it was asked for. `unmounted`: as its status says. */
export function mountNoticesOf(
  container: Container,
  volumes: readonly Volume[],
  unmounted: Readonly<Record<string, string>>,
): readonly string[] {
  const notices: string[] = [];
  const tell = (what: string): void => void notices.push(`container "${container.name}": ${what}`);
  for (const { name, mountPath, readOnly } of container.volumeMounts ?? []) {
    const reason = unmounted[mountPath];
    if (reason === undefined) continue;
    if (reason !== "") tell(`"${name}" is not mounted at ${mountPath}, but at $INKUBE_ROOT${mountPath}: ${reason}`);
    const volume = volumes.find((one) => one.name === name);
    if (readOnly === true && !(volume !== undefined && isOfFiles(volume)))
      tell(`the mount of "${name}" can be written to: readOnly is not enforced`);
  }
  return notices;
}

/** Of what the kubelet writes: a program has no reason to write to it. */
function isOfFiles({ configMap, secret, downwardAPI, projected }: Volume): boolean {
  return (configMap ?? secret ?? downwardAPI ?? projected) !== undefined;
}
