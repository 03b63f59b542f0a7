export function structureHash(schema: unknown): string;
