/** Whether the level that a FlowSchema names is there. Source: apiserver `util/flowcontrol/apf_controller.go`. */
import type { FlowSchema, FlowSchemaCondition } from "../../../../protocols/kubernetes/types/flowcontrol-v1.ts";

/** Without a time. */
export function danglingCondition(level: string, exists: boolean): FlowSchemaCondition {
  const named = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)}`;
  return exists
    ? { type: "Dangling", status: "False", reason: "Found", message: `${named} and it exists` }
    : { type: "Dangling", status: "True", reason: "NotFound", message: `${named} but there is no such object` };
}

/** undefined: it tells so already. */
export function danglingChange({ spec, status }: FlowSchema, exists: boolean): FlowSchemaCondition | undefined {
  const wanted = danglingCondition(spec?.priorityLevelConfiguration.name ?? "", exists);
  const told = status?.conditions?.find(({ type }) => type === wanted.type);
  const isSame =
    told !== undefined &&
    told.status === wanted.status &&
    told.reason === wanted.reason &&
    told.message === wanted.message;
  return isSame ? undefined : wanted;
}
