import type { KubernetesObject } from "../../protocols/api-server.ts";

export interface Situation {
  readonly namespace: string;
  readonly steps: readonly object[];
}

export interface Asked {
  readonly verb: "create" | "patch" | "delete" | "list";
  readonly target: {
    readonly group: string;
    readonly version: string;
    readonly resource: string;
    readonly namespace?: string;
  };
  readonly name?: string;
  readonly subresource?: string;
  readonly body?: KubernetesObject;
}

export function play(
  situation: Situation,
  api: { readonly ask: (asked: Asked) => Promise<KubernetesObject>; readonly settle: () => Promise<void> },
): Promise<readonly object[]>;
