/**
 * Where a cluster's kubeconfig lies, and how it is read. `inkube up` writes `inkube.kubeconfig` in the current directory,
 * and the other commands find it there; it never writes to `~/.kube/config`, where the user's real clusters are.
 */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { InkubeError } from "../../../protocols/errors.ts";

export const KUBECONFIG_FILE = "inkube.kubeconfig";

/** How to reach a cluster, and as whom. Certificates and keys are PEM. */
export interface Connection {
  /** `https://host:port`. */
  readonly server: string;
  readonly authority: string | undefined;
  readonly token: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
}

interface NamedEntry {
  readonly name?: string;
  readonly cluster?: Readonly<Record<string, unknown>>;
  readonly user?: Readonly<Record<string, unknown>>;
  readonly context?: Readonly<Record<string, unknown>>;
}

interface KubeconfigFile {
  readonly "current-context"?: string;
  readonly clusters?: readonly NamedEntry[];
  readonly users?: readonly NamedEntry[];
  readonly contexts?: readonly NamedEntry[];
}

/** The current context of the kubeconfig at `path`. Errors: NO_KUBECONFIG, INVALID_KUBECONFIG. */
export function readConnection(path: string = KUBECONFIG_FILE): Connection {
  const file = resolve(path);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new InkubeError(
      "NO_KUBECONFIG",
      `can't read the kubeconfig ${path} (${(error as NodeJS.ErrnoException).code ?? String(error)}); start a cluster here with "inkube up", or name its file with --kubeconfig`,
      { cause: error },
    );
  }
  try {
    return connectionOf(parse(text) as KubeconfigFile | null, dirname(file));
  } catch (error) {
    throw new InkubeError("INVALID_KUBECONFIG", `${path} is no usable kubeconfig: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function connectionOf(config: KubeconfigFile | null, directory: string): Connection {
  const context = entry(config?.contexts, config?.["current-context"], "context").context ?? {};
  const cluster = entry(config?.clusters, context["cluster"], "cluster").cluster ?? {};
  const user = entry(config?.users, context["user"], "user").user ?? {};
  const server = cluster["server"];
  if (typeof server !== "string" || !server.startsWith("https://")) throw new Error("the cluster has no https server");
  const token = user["token"];
  return {
    server,
    authority: pem(cluster, "certificate-authority", directory),
    token: typeof token === "string" ? token : undefined,
    certificate: pem(user, "client-certificate", directory),
    key: pem(user, "client-key", directory),
  };
}

function entry(entries: readonly NamedEntry[] | undefined, name: unknown, what: string): NamedEntry {
  const found = entries?.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`it has no ${what} "${String(name)}"`);
  return found;
}

function pem(fields: Readonly<Record<string, unknown>>, name: string, directory: string): string | undefined {
  const data = fields[`${name}-data`];
  if (typeof data === "string") return Buffer.from(data, "base64").toString("utf8");
  const file = fields[name];
  return typeof file === "string" ? readFileSync(resolve(directory, file), "utf8") : undefined;
}
