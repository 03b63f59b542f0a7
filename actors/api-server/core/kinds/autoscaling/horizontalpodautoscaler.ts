/** HorizontalPodAutoscalers: one object under two versions. */
import type { KindRules } from "../rules.ts";
import { toAutoscalerV1, toAutoscalerV2 } from "./autoscaler-versions.ts";

export const horizontalPodAutoscalerRules: KindRules = {
  convert: { toServed: toAutoscalerV1, toStored: toAutoscalerV2 },
};
