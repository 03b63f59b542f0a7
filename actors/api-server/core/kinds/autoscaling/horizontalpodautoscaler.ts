/** HorizontalPodAutoscalers: one object under two versions. */
import type { KindRules } from "../rules.ts";
import { toAutoscalerV1, toAutoscalerV2 } from "./autoscaler-versions.ts";

export const horizontalPodAutoscaler: KindRules = {
  convert: { toServed: toAutoscalerV1, toStored: toAutoscalerV2 },
};
