/** Types of `conversion-case.mjs`, which the recorder runs without a build. */
export interface AskedReview {
  readonly request: {
    readonly uid: string;
    readonly desiredAPIVersion: string;
    readonly objects: readonly Record<string, unknown>[];
  };
}

/** 200 and JSON when left out; without a body there is no answer. */
export interface GivenAnswer {
  readonly code?: number;
  readonly type?: string;
  readonly body?: string;
}

export const GROUP: string;
export const KIND: string;
export const PLURAL: string;
export const ANSWERS: Readonly<Record<string, (asked: AskedReview) => GivenAnswer>>;
export function convert(object: Record<string, unknown>, desired: string): Record<string, unknown>;
