import type { ViteUserConfig } from "vitest/config";
import { defineConfig } from "vitest/config";

// Processes, not threads: a test must not share a thread pool with the threads that it kills. Two workers for two cores.
const config: ViteUserConfig = defineConfig({
  test: {
    root: new URL("..", import.meta.url).pathname,
    include: ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    // The built package is imported as users import it, not transformed.
    server: { deps: { external: [/\/dist\//] } },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});

export default config;
