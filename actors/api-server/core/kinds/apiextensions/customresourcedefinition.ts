/** Source: apiextensions-apiserver `pkg/registry/customresourcedefinition`. */
import { beginDeletion } from "../../custom/lifecycle.ts";
import type { KindRules } from "../rules.ts";

export const customResourceDefinitionRules: KindRules = { beginDeletion };
