export const POLICY: object;
export const REQUESTS: readonly (readonly [string, string, object?, Readonly<Record<string, string>>?])[];
export function askAll(url: string, token: string, ca?: string): Promise<readonly string[]>;
export interface AuditedExchange {
  readonly request: string;
  readonly events: readonly Readonly<Record<string, unknown>>[];
}
export function comparable(lines: readonly string[], ids: readonly string[]): readonly AuditedExchange[];
