/** Any API server that runs in processes of its own, and requests to it: inkube, or its peer. */
import { execFile } from "node:child_process";
import type { ClientHttp2Session } from "node:http2";
import { connect } from "node:http2";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface ApiProcess {
  readonly server: string;
  readonly token: string;
  /** User and system time of all its processes so far. */
  cpuMs(): number;
  residentBytes(): number;
  stop(): Promise<void>;
}

export interface Load {
  readonly path: string;
  readonly count: number;
  readonly method?: string;
  readonly bodyFile?: string;
  readonly contentType?: string;
  readonly accept?: string;
}

export interface Cost {
  /** Requests a second. */
  readonly rate: number;
  readonly cpuUs: number;
}

/** The same request `count` times by `h2load`, 64 in flight, which itself costs hardly any CPU. */
export async function load(api: ApiProcess, { path, count, ...more }: Load): Promise<Cost> {
  const { method, bodyFile, contentType = "application/json", accept } = more;
  const before = api.cpuMs();
  const { stdout } = await run("h2load", [
    ...["-n", String(count), "-c", "8", "-m", "8", "-t", "1", "-H", `authorization: Bearer ${api.token}`],
    ...(method === undefined ? [] : ["-H", `:method: ${method}`]),
    ...(accept === undefined ? [] : ["-H", `accept: ${accept}`]),
    ...(bodyFile === undefined ? [] : ["-d", bodyFile, "-H", `content-type: ${contentType}`]),
    `${api.server}${path}`,
  ]);
  const cpuUs = ((api.cpuMs() - before) * 1_000) / count;
  const succeeded = Number(/status codes: (\d+) 2xx/.exec(stdout)?.[1]);
  if (succeeded !== count) throw new Error(`only ${succeeded} of ${count} requests succeeded:\n${stdout}`);
  return { rate: Number(/, ([\d.]+) req\/s/.exec(stdout)?.[1]), cpuUs };
}

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
  readonly accept?: string;
}

export function session({ server }: ApiProcess): ClientHttp2Session {
  return connect(server, { rejectUnauthorized: false, settings: { initialWindowSize: 1 << 20 } });
}

/** One request. @returns the body of an answer that is no error */
export async function send(api: ApiProcess, sent: Sent): Promise<Buffer> {
  const client = session(api);
  try {
    return await sendOn(client, api, sent);
  } finally {
    client.close();
  }
}

/** Different requests, `clients` at a time, each client on a connection of its own. */
export async function sendAll(
  api: ApiProcess,
  clients: number,
  count: number,
  make: (at: number) => Sent,
): Promise<Cost> {
  const sessions = Array.from({ length: clients }, () => session(api));
  const before = api.cpuMs();
  const started = performance.now();
  let next = 0;
  const work = async (client: ClientHttp2Session): Promise<void> => {
    for (let at = next++; at < count; at = next++) await sendOn(client, api, make(at));
  };
  try {
    await Promise.all(sessions.map(work));
  } finally {
    for (const each of sessions) each.close();
  }
  const seconds = (performance.now() - started) / 1_000;
  return { rate: count / seconds, cpuUs: ((api.cpuMs() - before) * 1_000) / count };
}

function sendOn(client: ClientHttp2Session, { token }: ApiProcess, sent: Sent): Promise<Buffer> {
  const { method, path, body, contentType = "application/json", accept } = sent;
  return new Promise((resolve, reject) => {
    client.once("error", reject);
    const stream = client.request({
      ":method": method,
      ":path": path,
      authorization: `Bearer ${token}`,
      ...(accept === undefined ? {} : { accept }),
      ...(body === undefined ? {} : { "content-type": contentType }),
    });
    let status = 0;
    const chunks: Buffer[] = [];
    stream.on("response", (headers) => void (status = Number(headers[":status"])));
    stream.on("data", (chunk: Buffer) => void chunks.push(chunk));
    stream.on("error", reject);
    stream.on("end", () => {
      client.off("error", reject);
      const answer = Buffer.concat(chunks);
      if (status >= 200 && status < 300) resolve(answer);
      else reject(new Error(`${method} ${path}: ${status} ${answer.toString().slice(0, 500)}`));
    });
    stream.end(body);
  });
}
