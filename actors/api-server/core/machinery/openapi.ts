/** OpenAPI v3, built when first asked for, as bytes of JSON that are always the same. */

/** `/openapi/v3`. */
export function openApiIndex(): Uint8Array {
  return new TextEncoder().encode('{"paths":{}}');
}

/** `/openapi/v3/api/v1` as ("", "v1"), `/openapi/v3/apis/apps/v1` as ("apps", "v1"); undefined when not served. */
export function openApiDocument(group: string, version: string): Uint8Array | undefined {
  void group;
  void version;
  return undefined;
}
