/** Who the cluster is: its id, its authority and that one's key, its serving certificate and its administrator's token. Kept in the data directory. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { InkubeError } from "../../../protocols/errors.ts";
import type { Credential } from "./certificates.ts";
import { makeAuthority, makeCertificate } from "./certificates.ts";
import type { DataDirectory } from "./data-directory.ts";

export interface Identity {
  readonly clusterId: string;
  /** PEM. */
  readonly authority: string;
  /** PEM; signs the certificates of clients. It never leaves the main thread. */
  readonly authorityKey: string;
  readonly server: Credential;
  readonly token: string;
}

const FILE = "identity.json";
const SERVER_NAMES = [
  "localhost",
  "127.0.0.1",
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  "kubernetes.default.svc.cluster.local",
];

/** The identity that the directory holds, or a new one. `nowMs` since the Unix epoch. Errors: DATA_DIRECTORY_UNUSABLE. */
export function loadIdentity(directory: DataDirectory, name: string, nowMs: number): Identity {
  const kept = directory.read(FILE);
  if (kept !== undefined) return parseIdentity(kept, directory.path);
  const authority = makeAuthority(`${name}-ca`, nowMs);
  const identity: Identity = {
    clusterId: randomBytes(8).toString("hex"),
    authority: authority.certificate,
    authorityKey: authority.key,
    server: makeCertificate(authority, { commonName: "kube-apiserver" }, SERVER_NAMES, nowMs),
    token: randomBytes(24).toString("base64url"),
  };
  directory.write(FILE, JSON.stringify(identity));
  return identity;
}

function parseIdentity(text: string, path: string): Identity {
  try {
    return JSON.parse(text) as Identity;
  } catch (error) {
    throw new InkubeError("DATA_DIRECTORY_UNUSABLE", `${join(path, FILE)} is damaged: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** A certificate that the API servers take for `user` in `groups` (RFC 5280 subject: CN and O). */
export function makeClientCertificate(
  { authority, authorityKey }: Identity,
  user: string,
  groups: readonly string[],
  nowMs: number,
): Credential {
  return makeCertificate(
    { certificate: authority, key: authorityKey },
    { commonName: user, organizations: groups },
    [],
    nowMs,
  );
}
