// web-site.js for a custom resource, with the same three mistakes: `inkube chaos run test/examples/chaos/custom-site.js`.
import { starting, workload } from "./custom-sites.js";

export default { cluster: { workers: 0 }, controllers: [{ name: "web-site", start: starting(false) }], workload };
