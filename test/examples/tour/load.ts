/** Steady HTTP requests, as users of the shop send them: each on a connection of its own, with a deadline, never retried. */
import { get } from "node:http";

export interface LoadCount {
  sent: number;
  failed: number;
}

/** A user's patience. */
const DEADLINE_MS = 2_000;

export class Load {
  private readonly url: string;
  private readonly timer: NodeJS.Timeout;
  private count: LoadCount = { sent: 0, failed: 0 };
  private readonly underWay = new Set<Promise<void>>();
  private readonly failures = new Map<string, number>();

  constructor(url: string, perSecond: number) {
    this.url = url;
    this.timer = setInterval(() => this.send(), 1_000 / perSecond);
  }

  /** What was sent since the last call, once all of it is answered or has failed. */
  async take(): Promise<Readonly<LoadCount>> {
    const count = this.count;
    this.count = { sent: 0, failed: 0 };
    await Promise.all(this.underWay);
    return count;
  }

  /** Reasons of the failures so far, the most frequent first. */
  get reasons(): readonly string[] {
    const sorted = [...this.failures].sort((left, right) => right[1] - left[1]);
    return sorted.map(([reason, times]) => `${times} × ${reason}`);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private send(): void {
    const { count } = this;
    count.sent++;
    const request = ask(this.url)
      .catch((error: NodeJS.ErrnoException) => {
        count.failed++;
        const reason = error.code ?? error.message;
        this.failures.set(reason, (this.failures.get(reason) ?? 0) + 1);
      })
      .finally(() => this.underWay.delete(request));
    this.underWay.add(request);
  }
}

function ask(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: DEADLINE_MS }, (answer) => {
      answer.resume();
      answer.on("error", reject);
      answer.on("end", () => {
        if (answer.statusCode === 200) resolve();
        else reject(new Error(`HTTP ${answer.statusCode ?? 0}`));
      });
    });
    request.on("timeout", () => request.destroy(new Error(`no answer within ${DEADLINE_MS} ms`)));
    request.on("error", reject);
  });
}
