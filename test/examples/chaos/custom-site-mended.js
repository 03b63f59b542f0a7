// custom-site.js without its mistakes.
import { starting, workload } from "./custom-sites.js";

export default { cluster: { workers: 0 }, controllers: [{ name: "web-site", start: starting(true) }], workload };
