/** MutatingWebhookConfigurations. */
import type { KindRules } from "../rules.ts";
import { webhookRules } from "./webhooks.ts";

export const mutatingWebhookConfigurationRules: KindRules = webhookRules(true);
