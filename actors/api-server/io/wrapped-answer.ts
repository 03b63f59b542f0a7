/** An answer that goes out by another one, as it is; what a subclass overrides is done to it on the way. */
import type { Body, Headers, HttpAnswer, HttpBody, ManyHeaders } from "./http-messages.ts";

export class WrappedAnswer implements HttpAnswer {
  protected readonly answer: HttpAnswer;

  constructor(answer: HttpAnswer) {
    this.answer = answer;
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
    this.answer.send(status, headers, body);
  }

  open(status: number, headers: ManyHeaders): HttpBody {
    return this.answer.open(status, headers);
  }

  onClose(listener: () => void): void {
    this.answer.onClose(listener);
  }

  destroy(): void {
    this.answer.destroy();
  }
}
