// external.js without its mistakes.
import { workload } from "./sites.js";

export default {
  cluster: { workers: 0 },
  controllers: [{ name: "web-site", command: ["python3", "external/web_site_mended.py"] }],
  workload,
};
