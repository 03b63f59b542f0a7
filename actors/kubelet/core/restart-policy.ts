/** Whether a container that has ended is started again. */
import type { Container, Pod } from "../../../protocols/kubernetes/types/core-v1.ts";

/** An init container that goes on beside the others (KEP-753). */
export function isSidecar(pod: Pod, container: Container): boolean {
  return isInit(pod, container) && container.restartPolicy === "Always";
}

/**
 * By the container's own rules and policy, where it has one (KEP-5307), else by the pod's. An init container that has done its
 * work isn't started again, and an ephemeral one never is.
 */
export function isRestarted(pod: Pod, container: Container, exitCode: number): boolean {
  if (isEphemeral(pod, container)) return false;
  if (isSidecar(pod, container)) return true;
  if (isInit(pod, container) && exitCode === 0) return false;
  if (container.restartPolicy !== undefined && hasRule(container, exitCode)) return true;
  const policy = container.restartPolicy ?? pod.spec?.restartPolicy;
  if (policy === "Never") return false;
  return policy !== "OnFailure" || exitCode !== 0;
}

/** Whether the first rule that is about this exit code says `Restart`. */
function hasRule(container: Container, exitCode: number): boolean {
  const rule = container.restartPolicyRules?.find(({ exitCodes }) => {
    const isNamed = exitCodes?.values?.includes(exitCode) === true;
    return exitCodes?.operator === "NotIn" ? !isNamed : exitCodes?.operator === "In" && isNamed;
  });
  return rule?.action === "Restart";
}

function isInit(pod: Pod, container: Container): boolean {
  return pod.spec?.initContainers?.some(({ name }) => name === container.name) === true;
}

function isEphemeral(pod: Pod, container: Container): boolean {
  return pod.spec?.ephemeralContainers?.some(({ name }) => name === container.name) === true;
}
