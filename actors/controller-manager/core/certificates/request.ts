/**
 * What is read of a request for a certificate (PKCS #10), which the API server has read and verified when it was made.
 * Source: RFC 2986, RFC 5280 section 4.1.2.4 and 4.2.1.6, RFC 2985 section 5.4.2.
 */
import type { DerValue } from "../../../../protocols/der-reader.ts";
import { DerError, objectIdentifier, partsOf } from "../../../../protocols/der-reader.ts";

const COMMON_NAME = "2.5.4.3";
const ORGANIZATION = "2.5.4.10";
const EXTENSION_REQUEST = "1.2.840.113549.1.9.14";
const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";

export interface CertificateRequest {
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** Alternative names by their kind: tags of RFC 5280's GeneralName. */
  readonly emails: number;
  readonly dnsNames: number;
  readonly uris: number;
  readonly ipAddresses: number;
  /** DER, as they stand in the request. */
  readonly subject: Uint8Array;
  readonly publicKey: Uint8Array;
  /** DER of the names' extension value; undefined where there are none. */
  readonly alternativeNames: Uint8Array | undefined;
}

/** Undefined for what is none. */
export function readCertificateRequest(base64: string): CertificateRequest | undefined {
  try {
    const [, body = ""] = /-----BEGIN CERTIFICATE REQUEST-----([^-]*)-----END/.exec(atob(base64)) ?? [];
    const bytes = Uint8Array.from(atob(body.replace(/\s+/g, "")), (character) => character.charCodeAt(0));
    const [request] = valuesIn(bytes);
    const [info] = valuesIn(request?.content);
    const [, subject, publicKey, ...attributes] = valuesIn(info?.content);
    if (subject === undefined || publicKey === undefined) return undefined;
    const names = valuesIn(subject.content).flatMap((set) => valuesIn(set.content).map(attributeOf));
    const alternativeNames = attributes.flatMap(({ content }) => valuesIn(content)).flatMap(extensionsOf)[0];
    const kinds = valuesIn(valuesIn(alternativeNames)[0]?.content).map(({ tag }) => tag);
    const count = (kind: number): number => kinds.filter((each) => each === kind).length;
    return {
      commonName: names.find(([type]) => type === COMMON_NAME)?.[1] ?? "",
      organizations: names.flatMap(([type, text]) => (type === ORGANIZATION ? [text] : [])),
      emails: count(1),
      dnsNames: count(2),
      uris: count(6),
      ipAddresses: count(7),
      subject: subject.whole,
      publicKey: publicKey.whole,
      alternativeNames,
    };
  } catch (error) {
    if (error instanceof DerError || (error as Error).name === "InvalidCharacterError") return undefined;
    throw error;
  }
}

function attributeOf({ content }: DerValue): readonly [type: string, text: string] {
  const [type, value] = valuesIn(content);
  return [objectIdentifier(type), new TextDecoder().decode(value?.content)];
}

/** The alternative names that an attribute asks for. */
function extensionsOf({ content }: DerValue): readonly Uint8Array[] {
  const [type, values] = valuesIn(content);
  if (objectIdentifier(type) !== EXTENSION_REQUEST) return [];
  const extensions = valuesIn(values?.content).flatMap((sequence) => valuesIn(sequence.content));
  return extensions.flatMap((extension) => {
    const parts = valuesIn(extension.content);
    const value = parts.at(-1);
    return objectIdentifier(parts[0]) === SUBJECT_ALTERNATIVE_NAME && value !== undefined ? [value.content] : [];
  });
}

/** What stands in it; nothing where it is not there. @throws DerError */
function valuesIn(content: Uint8Array = new Uint8Array()): readonly DerValue[] {
  return partsOf(content);
}
