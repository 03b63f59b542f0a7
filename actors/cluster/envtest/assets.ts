/**
 * The folder that `KUBEBUILDER_ASSETS` names: kube-apiserver, etcd and kubectl, as `setup-envtest` would put them there. The
 * first two start inkube's own; kubectl is the machine's.
 */
import { accessSync, chmodSync, constants, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ETCD, KUBE_APISERVER } from "./command-lines.ts";
import { helpText } from "./flags.ts";

/** Writes the folder into `parent` and returns its path. */
export function writeAssets(parent: string, path: string | undefined): string {
  const folder = join(parent, "envtest");
  mkdirSync(folder, { recursive: true });
  const home = dirname(fileURLToPath(import.meta.url));
  for (const line of [KUBE_APISERVER, ETCD]) {
    const program = join(home, `envtest-${line.program}.js`);
    // envtest asks for the help before each start, to see which flags there are: that needs no Node.
    const help = `if [ "$1" = --help ]; then cat <<'END'\n${helpText(line)}END\nexit 0\nfi`;
    writeProgram(join(folder, line.program), `${help}\nexec ${quoted(process.execPath)} ${quoted(program)} "$@"`);
  }
  const kubectl = findProgram("kubectl", path, folder);
  writeProgram(
    join(folder, "kubectl"),
    kubectl === undefined
      ? `echo "kubectl (inkube): there was none on the PATH when 'inkube envtest-assets' ran; install it and run that again" >&2\nexit 1`
      : `exec ${quoted(kubectl)} "$@"`,
  );
  return folder;
}

/** Whoever starts it meanwhile has the old one or the new one, and never a half. */
function writeProgram(path: string, command: string): void {
  const next = `${path}.${process.pid}`;
  writeFileSync(next, `#!/bin/sh\n${command}\n`);
  chmodSync(next, 0o755);
  renameSync(next, path);
}

function findProgram(name: string, path: string | undefined, besides: string): string | undefined {
  return (path ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "" && folder !== besides)
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
