/** Secrets as a record may have them: what can be seen is whether two values are the same, and of which length they are not. */
import type { StoredChange } from "./segments/changes.ts";

/** Of a text, such that nobody finds the text by trying. */
export type Hash = (text: string) => string;

const SECRETS = "/registry/secrets/";
/** Holds the whole object as it was applied. */
const APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

interface Secret {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
}

export function sealed(change: StoredChange, hash: Hash): StoredChange {
  const { key, value } = change;
  if (value === undefined || !key.startsWith(SECRETS)) return change;
  const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("utf8");
  return { ...change, value: Buffer.from(JSON.stringify(sealedSecret(text, hash))) };
}

function sealedSecret(text: string, hash: Hash): unknown {
  let secret: Secret;
  try {
    secret = JSON.parse(text) as Secret;
  } catch {
    return { kind: "Secret", sealed: hash(text) };
  }
  const { metadata, data, stringData } = secret;
  const { annotations } = metadata ?? {};
  const applied = annotations?.[APPLIED];
  return {
    ...secret,
    ...(data === undefined ? {} : { data: hashed(data, hash) }),
    ...(stringData === undefined ? {} : { stringData: hashed(stringData, hash) }),
    ...(applied === undefined
      ? {}
      : { metadata: { ...metadata, annotations: { ...annotations, [APPLIED]: hash(applied) } } }),
  };
}

function hashed(values: Readonly<Record<string, string>>, hash: Hash): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, hash(value)]));
}
