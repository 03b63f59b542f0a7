/**
 * Redraws lines in place on a terminal, each frame in one write, so that nothing flickers; and gives the terminal back as
 * it was. What was on the screen before stays above.
 */
import type { WriteStream } from "node:tty";

const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";
/** Synchronized output: a terminal that knows it shows the frame at once, others ignore it. */
const BEGIN_FRAME = "\x1b[?2026h";
const END_FRAME = "\x1b[?2026l";
const CLEAR_TO_END_OF_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";

export class Screen {
  private readonly stream: WriteStream;
  private drawn: readonly string[] = [];
  private readonly restore: () => void;

  constructor(stream: WriteStream) {
    this.stream = stream;
    this.restore = () => void this.stream.write(SHOW_CURSOR);
    process.on("exit", this.restore);
    stream.write(HIDE_CURSOR);
  }

  /** Lines that fit: a line that is wrapped by the terminal would break the next frame. */
  get size(): { readonly columns: number; readonly rows: number } {
    // The last row stays free for the cursor, or the terminal would scroll.
    return { columns: this.stream.columns || 80, rows: Math.max(1, (this.stream.rows || 24) - 1) };
  }

  draw(lines: readonly string[]): void {
    const up = this.drawn.length === 0 ? "\r" : `\r\x1b[${this.drawn.length}A`;
    const body = lines.map((line) => `${line}${CLEAR_TO_END_OF_LINE}\n`).join("");
    this.stream.write(`${BEGIN_FRAME}${up}${body}${CLEAR_BELOW}${END_FRAME}`);
    this.drawn = lines;
  }

  /** Leaves the last frame on the screen, the cursor below it. */
  close(): void {
    process.off("exit", this.restore);
    this.restore();
  }
}
