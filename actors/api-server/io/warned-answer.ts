/** The answer to a request about a kind that is deprecated: whatever it is, its sender is told so first. */
import type { Body, Headers, HttpAnswer, HttpBody, ManyHeaders } from "./http-messages.ts";

export class WarnedAnswer implements HttpAnswer {
  private readonly answer: HttpAnswer;
  private readonly warning: string;

  /** @param warning a `warning-value` (RFC 9111) */
  constructor(answer: HttpAnswer, warning: string) {
    this.answer = answer;
    this.warning = warning;
  }

  mark(headers: Headers): void {
    this.answer.mark(headers);
  }

  get closed(): boolean {
    return this.answer.closed;
  }

  get status(): number {
    return this.answer.status;
  }

  get begun(): boolean {
    return this.answer.begun;
  }

  send(status: number, headers: Headers, body: Body | undefined): void {
    this.answer.send(status, this.warned(headers), body);
  }

  open(status: number, headers: ManyHeaders): HttpBody {
    const { warning = [] } = headers;
    return this.answer.open(status, { ...headers, warning: [this.warning].concat(warning) });
  }

  onClose(listener: () => void): void {
    this.answer.onClose(listener);
  }

  destroy(): void {
    this.answer.destroy();
  }

  private warned(headers: Headers): Headers {
    const { warning } = headers;
    return { ...headers, warning: warning === undefined ? this.warning : `${this.warning}, ${warning}` };
  }
}
