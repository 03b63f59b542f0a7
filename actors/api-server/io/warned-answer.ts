/** The answer to a request about a kind that is deprecated: whatever it is, its sender is told so first. */
import type { Body, Headers, HttpAnswer, HttpBody, ManyHeaders } from "./http-messages.ts";
import { WrappedAnswer } from "./wrapped-answer.ts";

export class WarnedAnswer extends WrappedAnswer {
  private readonly warning: string;

  /** @param warning a `warning-value` (RFC 9111) */
  constructor(answer: HttpAnswer, warning: string) {
    super(answer);
    this.warning = warning;
  }

  override send(status: number, headers: Headers, body: Body | undefined): void {
    this.answer.send(status, this.warned(headers), body);
  }

  override open(status: number, headers: ManyHeaders): HttpBody {
    const { warning = [] } = headers;
    return this.answer.open(status, { ...headers, warning: [this.warning].concat(warning) });
  }

  private warned(headers: Headers): Headers {
    const { warning } = headers;
    return { ...headers, warning: warning === undefined ? this.warning : `${this.warning}, ${warning}` };
  }
}
