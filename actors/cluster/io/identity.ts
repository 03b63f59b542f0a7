/**
 * Who the cluster is: its id, its authority and that one's key, its serving certificate, the key that signs tokens of
 * ServiceAccounts, and its administrator's token. Kept in the data directory.
 */
import { randomBytes, randomInt } from "node:crypto";
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InkubeError } from "../../../protocols/errors.ts";
import { SLOTS } from "../addresses.ts";
import type { Credential } from "./certificates.ts";
import { makeAuthority, makeCertificate, makeSigningKey, vouchesFor } from "./certificates.ts";
import type { DataDirectory } from "./data-directory.ts";

export interface Identity {
  readonly clusterId: string;
  /** PEM. */
  readonly authority: string;
  /** PEM; signs the certificates of clients. Besides the main thread the controller-managers have it. */
  readonly authorityKey: string;
  readonly server: Credential;
  /** PEM; the same for all API servers, so that each takes the tokens that another one has made. */
  readonly serviceAccountKey: string;
  readonly token: string;
}

/** What the file holds. */
interface Kept extends Omit<Identity, "serviceAccountKey"> {
  /** Absent where an older inkube has written it. */
  readonly serviceAccountKey?: string;
  /** How many masters the cluster has; absent where an older inkube has written it. */
  readonly masters?: number;
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

/**
 * The identity that the directory holds, or a new one. `established`: it was kept, so every master of the cluster has been
 * up with it. `nowMs` since the Unix epoch. Errors: DATA_DIRECTORY_UNUSABLE, INVALID_OPTION for another number of masters.
 */
export function loadIdentity(
  directory: DataDirectory,
  name: string,
  masters: number,
  nowMs: number,
): { readonly identity: Identity; readonly established: boolean } {
  const kept = directory.read(FILE);
  if (kept !== undefined) {
    const { masters: keptMasters = masters, serviceAccountKey, ...rest } = parseIdentity(kept, directory.path);
    if (keptMasters !== masters) throw otherMasters(directory.path, keptMasters, masters);
    const identity = { ...rest, serviceAccountKey: serviceAccountKey ?? makeSigningKey() };
    if (serviceAccountKey === undefined) saveIdentity(directory, identity, masters);
    return { identity, established: true };
  }
  return { identity: newIdentity(name, nowMs), established: false };
}

function newIdentity(name: string, nowMs: number): Identity {
  const authority = makeAuthority(`${name}-ca`, nowMs);
  return {
    clusterId: randomBytes(8).toString("hex"),
    authority: authority.certificate,
    authorityKey: authority.key,
    server: makeServing(authority, [], nowMs),
    serviceAccountKey: makeSigningKey(),
    token: randomBytes(24).toString("base64url"),
  };
}

/** What masters in several processes have in common. */
export interface Shared {
  readonly identity: Identity;
  /** Of addresses. */
  readonly slot: number;
}

/**
 * What the file at `path` holds. Where there is none it is made: the other masters get a copy of it. Errors: DATA_DIRECTORY_UNUSABLE.
 */
export function loadShared(path: string, name: string, nowMs: number): Shared {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Shared;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw unusableKeys(path, error);
  }
  const made: Shared = { identity: newIdentity(name, nowMs), slot: randomInt(SLOTS) };
  const aside = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    // Never half of it, and never over another's.
    writeFileSync(aside, JSON.stringify(made), { mode: 0o600, flag: "wx" });
    linkSync(aside, path);
    return made;
  } catch (error) {
    // Another master has made it meanwhile.
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return loadShared(path, name, nowMs);
    throw unusableKeys(path, error);
  } finally {
    rmSync(aside, { force: true });
  }
}

function unusableKeys(path: string, error: unknown): InkubeError {
  const { message } = error as Error;
  return new InkubeError("DATA_DIRECTORY_UNUSABLE", `can't use the keys in ${path}: ${message}`, { cause: error });
}

/**
 * Who a cluster is that begins with the state of another: its keys, so that the tokens and certificates that were given out stay
 * good, under an id of its own. Errors: INVALID_OPTION where the directory holds a cluster already.
 */
export function restoredIdentity(directory: DataDirectory, identity: Identity): Identity {
  if (directory.read(FILE) !== undefined) {
    throw new InkubeError(
      "INVALID_OPTION",
      `from: ${directory.path} holds a cluster already; use another directory, or start without a snapshot`,
      { details: { option: "from" } },
    );
  }
  return { ...identity, clusterId: randomBytes(8).toString("hex") };
}

/**
 * The certificate to serve with where clients come by `addresses` besides: pods find the API servers under the address of a Service, whose
 * range is another one when another cluster of this machine has the last one's.
 */
export function servingCertificate(
  { authority, authorityKey, server }: Identity,
  addresses: readonly string[],
  nowMs: number,
): Credential {
  if (addresses.every((address) => vouchesFor(server.certificate, address))) return server;
  return makeServing({ certificate: authority, key: authorityKey }, addresses, nowMs);
}

/** By which servers behind APIServices know that it is an API server who tells them who asks. */
export function proxyClientCertificate(
  { authority, authorityKey }: Identity,
  nowMs: number,
): { readonly cert: string; readonly key: string } {
  const signer = { certificate: authority, key: authorityKey };
  const { certificate, key } = makeCertificate(signer, { commonName: "front-proxy-client" }, [], nowMs);
  return { cert: certificate, key };
}

/** By which kubelets that run elsewhere know an API server. As kubeadm's. */
export function kubeletClientCertificate(
  { authority, authorityKey }: Identity,
  nowMs: number,
): { readonly cert: string; readonly key: string } {
  const signer = { certificate: authority, key: authorityKey };
  const subject = { commonName: "kube-apiserver-kubelet-client", organizations: ["system:masters"] };
  const { certificate, key } = makeCertificate(signer, subject, [], nowMs);
  return { cert: certificate, key };
}

function makeServing(authority: Credential, addresses: readonly string[], nowMs: number): Credential {
  return makeCertificate(authority, { commonName: "kube-apiserver" }, [...SERVER_NAMES, ...addresses], nowMs);
}

/** Keeps the identity of a cluster whose masters are up: whoever was told of it finds it again. */
export function saveIdentity(directory: DataDirectory, identity: Identity, masters: number): void {
  directory.write(FILE, JSON.stringify({ ...identity, masters } satisfies Kept));
}

function otherMasters(path: string, kept: number, masters: number): InkubeError {
  return new InkubeError(
    "INVALID_OPTION",
    `masters: the cluster in ${path} has ${kept}, and their number can't be changed to ${masters} yet; start it with ${kept}, or use another directory`,
  );
}

function parseIdentity(text: string, path: string): Kept {
  try {
    return JSON.parse(text) as Kept;
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
