// A controller with @kubernetes/client-node, unchanged, in the simulation.
import { workload } from "./sites.js";

export default {
  cluster: { workers: 0 },
  controllers: [{ name: "web-site", module: "./client-node/web-site.js" }],
  workload,
};
