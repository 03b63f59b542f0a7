import { describe, expect, it } from "vitest";
import type { Contact } from "../../../../actors/api-server/core/quorum-contact.ts";
import { QuorumContact } from "../../../../actors/api-server/core/quorum-contact.ts";

const LIMITS = { lostTicks: 3, cutOffTicks: 6 };

describe("the contact to a quorum", () => {
  it("is lost after so many silent ticks, cut off after more, and back with the first answer", () => {
    const contact = new QuorumContact(LIMITS);
    const states = Array.from({ length: 7 }, (): Contact => {
      contact.tick();
      return contact.state;
    });
    expect(states).toEqual(["reached", "reached", "lost", "lost", "lost", "cut-off", "cut-off"]);
    contact.heard();
    expect(contact.state).toBe("reached");
  });

  it("asks nobody while something is heard each other tick, then the member in use, then all", () => {
    const contact = new QuorumContact(LIMITS);
    contact.heard();
    const ticks = (count: number): readonly string[] => Array.from({ length: count }, () => contact.tick());
    expect(ticks(5)).toEqual(["none", "none", "current", "all", "all"]);
    contact.heard();
    expect(ticks(3)).toEqual(["none", "none", "current"]);
  });

  it("is not lost by however many answers and pauses take turns", () => {
    const contact = new QuorumContact(LIMITS);
    for (let round = 0; round < 100; round++) {
      contact.heard();
      for (let tick = 0; tick < LIMITS.lostTicks; tick++) contact.tick();
      expect(contact.state).toBe("reached");
    }
  });
});
