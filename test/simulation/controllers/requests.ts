/** Requests of recorded situations as those of a client of ours. */
import type { ApiRequest, DeleteOptions } from "../../../protocols/api-server.ts";
import type { Asked } from "../../conformance/workload-case.mjs";

export function requestOf({ verb, target, name, subresource, body }: Asked): ApiRequest {
  const at = {
    ...target,
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  };
  switch (verb) {
    case "create":
      return { verb, target: at, object: body ?? {} };
    case "patch":
      return { verb, target: at, patchType: "application/merge-patch+json", patch: body };
    case "delete":
      return { verb, target: at, options: body as DeleteOptions };
    case "list":
      return { verb, target: at };
  }
}
