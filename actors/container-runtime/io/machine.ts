/** The drivers of a real machine, with the built images beside the actor's bundle. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ContainerRuntimeIo } from "../driver.ts";
import { processDriver } from "./process-driver.ts";
import { streamingServer } from "./streaming/streaming-server.ts";
import { threadDriver } from "./thread-driver.ts";

/** `images`: the directory of the built `preload.cjs`, `web-server.cjs` and `agnhost.cjs`. */
export function machineIo(images: URL): ContainerRuntimeIo {
  const preloadUrl = new URL("preload.cjs", images);
  const preload = existsSync(preloadUrl) ? { preload: fileURLToPath(preloadUrl) } : {};
  return {
    streaming: streamingServer(),
    thread: threadDriver({
      ...preload,
      builtIn: { "web-server": new URL("web-server.cjs", images), agnhost: new URL("agnhost.cjs", images) },
    }),
    process: processDriver(preload),
  };
}
