/** ValidatingWebhookConfigurations. */
import type { KindRules } from "../rules.ts";
import { webhookRules } from "./webhooks.ts";

export const validatingWebhookConfigurationRules: KindRules = webhookRules(false);
