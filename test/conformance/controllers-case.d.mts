import type { KubernetesObject } from "../../protocols/api-server.ts";
import type { Asked, Situation } from "./workload-case.mjs";

export function play(
  situation: Situation,
  api: {
    readonly ask: (asked: Asked) => Promise<KubernetesObject>;
    readonly settle: (look: () => Promise<object>) => Promise<void>;
  },
): Promise<readonly object[]>;

export function clean(
  namespace: string,
  api: { readonly ask: (asked: Asked) => Promise<KubernetesObject> },
): Promise<void>;
