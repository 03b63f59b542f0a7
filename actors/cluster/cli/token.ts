/** `inkube token create`: a token by which nodes join a cluster, inkube's or any other. */
import { Command } from "commander";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { hasReason } from "../../../protocols/api-server.ts";
import { joinCommandOf, newToken, TOKEN_TTL_SECONDS, tokenObjects } from "../join/tokens.ts";
import { Api } from "./api.ts";
import { integer } from "./arguments.ts";
import type { ConnectOptions } from "./connect.ts";
import { withKubeconfig } from "./connect.ts";
import { refuse } from "./failure.ts";
import { KUBECONFIG_FILE, readConnection } from "./kubeconfig-file.ts";

interface CreateOptions extends ConnectOptions {
  readonly ttl: string;
  readonly printJoinCommand?: boolean;
}

const TTL_SECONDS_MAX = 10 * 365 * 86_400;

export function tokenCommand(): Command {
  const create = withKubeconfig(
    new Command("create")
      .description("make a token, and let those who show it ask for a node's certificate")
      .option("--ttl <seconds>", "how long it is good; 0 is for ever", String(TOKEN_TTL_SECONDS))
      .option("--print-join-command", 'print the "inkube join" that uses it'),
  ).action(createToken);
  return new Command("token").description("tokens by which nodes join").addCommand(create);
}

async function createToken(options: CreateOptions): Promise<void> {
  const ttlSeconds = integer("--ttl", options.ttl, 0, TTL_SECONDS_MAX);
  const connection = readConnection(options.kubeconfig ?? KUBECONFIG_FILE);
  const { server, authority } = connection;
  if (options.printJoinCommand === true && authority === undefined)
    throw refuse("the kubeconfig does not name the cluster's authority, which the join command needs");
  const token = newToken();
  const api = new Api(connection);
  try {
    for (const object of tokenObjects(token, ttlSeconds === 0 ? 0 : Date.now() + ttlSeconds * 1_000))
      await put(api, object);
  } finally {
    api.close();
  }
  const line = options.printJoinCommand === true ? joinCommandOf(server, token, authority ?? "") : token;
  process.stdout.write(`${line}\n`);
}

async function put(api: Api, object: KubernetesObject): Promise<void> {
  const path =
    object.kind === "Secret"
      ? "/api/v1/namespaces/kube-system/secrets"
      : "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
  try {
    await api.json({ method: "POST", path, body: object });
  } catch (error) {
    // The bindings are those of every token.
    if (object.kind === "Secret" || !hasReason(error, "AlreadyExists")) throw error;
  }
}
