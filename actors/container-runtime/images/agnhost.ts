/** The image `agnhost`: its first argument is the command, as in the image of Kubernetes' own tests. */
import { agnhostCommand } from "./agnhost-commands.ts";
import { gracefulEnd } from "./web-site.ts";

const log = (line: string): void => void process.stdout.write(`${line}\n`);
const command = agnhostCommand(process.argv.slice(2), { exit: (code) => process.exit(code), log });

switch (command.kind) {
  case "error":
    process.stderr.write(`${command.message}\n`);
    process.exitCode = 1;
    break;
  case "pause": {
    // A timer far away: the longest that there is keeps the program up and costs nothing.
    const forever = setInterval(() => undefined, 0x7fff_ffff);
    process.once("SIGTERM", () => clearInterval(forever));
    break;
  }
  case "server": {
    const { server, port } = command;
    const end = gracefulEnd(server);
    server.listen(port, () => log(`Started HTTP server on port ${port}`));
    process.once("SIGTERM", () => end(() => process.exit(0)));
    break;
  }
}
