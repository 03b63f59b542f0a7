/** The images `nginx` and `httpd`. Port: `--port N`, the variable PORT, or 80. */
import { createWebSite, gracefulEnd } from "./web-site.ts";

const root = process.env["INKUBE_ROOT"] ?? "";
const flag = process.argv.indexOf("--port");
const port = Number((flag < 0 ? undefined : process.argv[flag + 1]) ?? process.env["PORT"] ?? 80);

const server = createWebSite({
  roots: root === "" ? [] : [`${root}/usr/share/nginx/html`, `${root}/usr/local/apache2/htdocs`],
  log: (line) => process.stdout.write(`${line}\n`),
});
const end = gracefulEnd(server);
server.listen(port, () => process.stderr.write(`start worker processes, listening on port ${port}\n`));

for (const signal of ["SIGTERM", "SIGINT", "SIGQUIT"] as const) {
  process.once(signal, () => end(() => process.exit(0)));
}
