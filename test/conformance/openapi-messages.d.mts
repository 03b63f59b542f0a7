export function decodeOpenApiV3(bytes: Uint8Array, yaml: (text: string) => unknown): unknown;
