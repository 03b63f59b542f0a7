import type { CustomResourceDefinition } from "../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { KubernetesObject } from "../../protocols/api-server.ts";

export interface Case {
  readonly name: string;
  readonly bodies?: readonly object[];
  readonly updates?: readonly (readonly [before: object, after: object & { readonly through?: string }])[];
  readonly definition?: object;
  readonly update?: object;
}

export interface Fact {
  readonly status: number;
  readonly message?: string;
  readonly causes?: readonly string[];
  readonly object?: unknown;
  readonly warnings?: readonly string[];
}

export const GROUP: string;
export const PLAIN: CustomResourceDefinition;
export function readCases(file: URL): readonly Case[];
export function definitionOf(one: Case, plural: string): CustomResourceDefinition;
export function objectOf(body: object): KubernetesObject;
export function overlay<T>(base: T, change: unknown): T;
export function factsOf(answer: {
  readonly status: number;
  readonly body: unknown;
  readonly warnings: readonly string[];
}): Fact;
