/** HTTP/1.1 without Node's own machinery: requests out of bytes however they are cut, and answers as bytes. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PlainRequest } from "../../../../../actors/api-server/io/plain-http.ts";
import { PlainAnswer, PlainRequests } from "../../../../../actors/api-server/io/plain-http.ts";
import type { Connection } from "../../../../../runtime/net.ts";

class FakeConnection implements Connection {
  readonly local = { host: "here", port: 1 };
  readonly remote = { host: "there", port: 2 };
  written = "";
  destroyed = false;
  hasRoom = true;
  private readonly data: ((bytes: Uint8Array) => void)[] = [];
  private readonly drains: (() => void)[] = [];
  private readonly closes: (() => void)[] = [];

  arrive(bytes: Uint8Array): void {
    for (const listener of this.data) listener(bytes);
  }

  drain(): void {
    for (const listener of this.drains) listener();
  }

  write(bytes: Uint8Array): boolean {
    this.written += Buffer.from(bytes).toString("latin1");
    return this.hasRoom;
  }

  onData(listener: (bytes: Uint8Array) => void): void {
    this.data.push(listener);
  }

  onDrain(listener: () => void): void {
    this.drains.push(listener);
  }

  onEnd(): void {}

  onClose(listener: () => void): void {
    this.closes.push(listener);
  }

  end(): void {}

  splice(): void {}

  destroy(): void {
    this.destroyed = true;
    for (const listener of this.closes) listener();
  }
}

const THREE =
  "POST /a?b=c HTTP/1.1\r\nHost: x\r\nX-Twice: 1\r\nX-Twice: 2\r\nContent-Length: 5\r\n\r\nhello" +
  "PUT /d HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nwor\r\n2\r\nld\r\n0\r\n\r\nGET /e HTTP/1.1\r\n\r\n";

function requestsIn(pieces: readonly Uint8Array[]): readonly PlainRequest[] {
  const connection = new FakeConnection();
  const found: PlainRequest[] = [];
  void new PlainRequests(connection, (request, done) => {
    found.push(request);
    done();
  });
  for (const piece of pieces) connection.arrive(piece);
  return found;
}

it("requests come out the same wherever their bytes are cut", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(THREE.length), { maxLength: 6 }), (cuts) => {
      const places = [0, ...cuts.sort((left, right) => left - right), THREE.length];
      const pieces = places.slice(1).map((end, index) => Buffer.from(THREE.slice(places[index], end)));
      const told = requestsIn(pieces).map(({ method, url, headers, body }) => [
        method,
        url,
        headers,
        Buffer.from(body).toString(),
      ]);
      expect(told).toEqual([
        ["POST", "/a?b=c", { host: "x", "x-twice": "1, 2", "content-length": "5" }, "hello"],
        ["PUT", "/d", { "transfer-encoding": "chunked" }, "world"],
        ["GET", "/e", {}, ""],
      ]);
    }),
  );
});

it("the next request waits until the one before has been answered", () => {
  const connection = new FakeConnection();
  const found: string[] = [];
  const ends: (() => void)[] = [];
  void new PlainRequests(connection, ({ url }, done) => {
    found.push(url);
    ends.push(done);
  });
  connection.arrive(Buffer.from("GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n"));
  expect(found).toEqual(["/a"]);
  ends[0]!();
  expect(found).toEqual(["/a", "/b"]);
});

it.each([
  "GARBAGE\r\n\r\n",
  "GET / HTTP/2.0\r\n\r\n",
  "GET / HTTP/1.1\r\nno colon\r\n\r\n",
  "POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
  "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
])("what is no request ends the connection: %j", (text) => {
  const connection = new FakeConnection();
  void new PlainRequests(connection, () => expect.unreachable());
  connection.arrive(Buffer.from(text));
  expect(connection.destroyed).toBe(true);
});

describe("an answer", () => {
  const answered = (isHead = false): { connection: FakeConnection; answer: PlainAnswer; ends: string[] } => {
    const connection = new FakeConnection();
    const ends: string[] = [];
    const request = { auditId: "id", isHead, date: "now" };
    const answer = new PlainAnswer(connection, request, () => void ends.push("done"));
    answer.onClose(() => void ends.push("closed"));
    return { connection, answer, ends };
  };

  it("is sent whole, and to HEAD without its body", () => {
    for (const isHead of [false, true]) {
      const { connection, answer, ends } = answered(isHead);
      answer.send(404, { "content-type": "text/plain" }, Buffer.from("no"));
      answer.send(200, {}, undefined);
      const fields = "content-type: text/plain\r\ncontent-length: 2\r\naudit-id: id\r\ndate: now";
      const head = `HTTP/1.1 404 Not Found\r\n${fields}\r\n\r\n`;
      expect(connection.written).toBe(isHead ? head : `${head}no`);
      expect([answer.closed, answer.status, ends]).toEqual([true, 404, ["closed", "done"]]);
    }
  });

  it("follows piece by piece, and tells what waits", () => {
    const { connection, answer } = answered();
    const body = answer.open(200, { warning: ["a", "b"] });
    connection.hasRoom = false;
    expect(body.write(Buffer.from("hello"))).toBe(false);
    expect(body.bufferedBytes).toBeGreaterThan(0);
    let drained = 0;
    body.onceDrained(() => drained++);
    connection.drain();
    connection.drain();
    expect([drained, body.bufferedBytes]).toEqual([1, 0]);
    body.end();
    const fields = "warning: a\r\nwarning: b\r\ntransfer-encoding: chunked\r\naudit-id: id\r\ndate: now";
    expect(connection.written).toBe(`HTTP/1.1 200 OK\r\n${fields}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`);
  });

  it("is over when its client goes, once", () => {
    const { connection, answer, ends } = answered();
    answer.open(200, {});
    connection.destroy();
    answer.destroy();
    expect([answer.closed, answer.write(Buffer.from("x")), ends]).toEqual([true, true, ["closed"]]);
  });
});
