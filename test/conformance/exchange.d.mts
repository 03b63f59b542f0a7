/** Types of `exchange.mjs`, which the recorder runs without a build. */
export interface Peer {
  readonly url: string;
  /** Of somebody who may do everything. */
  readonly token: string;
  /** Changes how the webhook at `webhookUrl` answers. */
  readonly webhook?: (name: string) => void;
  readonly webhookUrl?: string;
  /** Its certificate: base64 of PEM. */
  readonly bundle?: string;
}

export interface Step {
  readonly do: string;
}

export interface Scenario {
  readonly name: string;
  readonly steps: readonly Step[];
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly warnings: readonly string[];
  readonly body: unknown;
}

export function readScenarios(file: URL): readonly Scenario[];
export function runScenario(peer: Peer, scenario: Scenario, namespace: string): Promise<readonly Answer[]>;
/** What does not depend on the server, nor on the day; `namespace` is the scenario's. */
export function general(value: unknown, namespace: string): unknown;
export function differences(expected: unknown, got: unknown, limit?: number): readonly string[];
