// A controller in Python, as a process with a kubeconfig, against a real cluster: `inkube chaos run
// test/examples/chaos/external.js` kills it, loses its replies and holds its watches, and finds two mistakes, which
// external-mended.js does not make.
import { workload } from "./sites.js";

export default {
  cluster: { workers: 0 },
  controllers: [{ name: "web-site", command: ["python3", "external/web_site.py"] }],
  workload,
};
