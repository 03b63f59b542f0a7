import { expect, it } from "vitest";
import { formatTimeIn, nextDueMs, parseSchedule } from "../../../../protocols/kubernetes/cron-schedule.ts";

/** The next `count` times, as the clocks of the zone show them. */
function due(text: string, after: string, count: number, zone = "UTC"): readonly string[] {
  const schedule = parseSchedule(text);
  if (typeof schedule === "string") throw new Error(schedule);
  const times: string[] = [];
  let atMs: number | undefined = Date.parse(after);
  while (times.length < count) {
    atMs = nextDueMs(schedule, atMs, zone);
    if (atMs === undefined) break;
    times.push(formatTimeIn(zone, atMs));
  }
  return times;
}

it.each([
  ["*/15 * * * *", "2026-07-09T14:45:00Z", ["2026-07-09T15:00:00Z", "2026-07-09T15:15:00Z"]],
  ["20-35/15 * * * *", "2026-07-09T15:45:30Z", ["2026-07-09T16:20:00Z", "2026-07-09T16:35:00Z"]],
  ["5/25 4 * * *", "2026-12-31T23:59:45Z", ["2027-01-01T04:05:00Z", "2027-01-01T04:30:00Z", "2027-01-01T04:55:00Z"]],
  ["0 0 * Feb Mon", "2026-07-09T23:35:00Z", ["2027-02-01T00:00:00Z", "2027-02-08T00:00:00Z"]],
  // Of days and weekdays either, unless one is a star.
  ["0 0 13 * FRI", "2026-11-01T00:00:00Z", ["2026-11-06T00:00:00Z", "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z"]],
  ["0 0 13 * *", "2026-11-01T00:00:00Z", ["2026-11-13T00:00:00Z", "2026-12-13T00:00:00Z"]],
  ["0 0 */10 * ?", "2026-11-01T00:00:00Z", ["2026-11-11T00:00:00Z", "2026-11-21T00:00:00Z", "2026-12-01T00:00:00Z"]],
  // A star with steps is none.
  ["0 0 */10 * Mon", "2026-11-01T00:00:00Z", ["2026-11-02T00:00:00Z", "2026-11-09T00:00:00Z", "2026-11-11T00:00:00Z"]],
  ["0 0 29 2 ?", "2026-11-01T00:00:00Z", ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]],
  ["@weekly", "2026-11-25T12:00:00Z", ["2026-11-29T00:00:00Z", "2026-12-06T00:00:00Z"]],
  ["@every 90s", "2026-11-25T12:00:00.400Z", ["2026-11-25T12:01:30Z", "2026-11-25T12:03:00Z"]],
  ["TZ=Asia/Kolkata 30 9 * * *", "2026-11-25T04:00:00Z", ["2026-11-26T04:00:00Z"]],
])("%s after %s", (text, after, times) => expect(due(text, after, times.length)).toEqual(times));

it("never comes to a day that is not", () => expect(due("0 0 30 2 *", "2026-11-01T00:00:00Z", 1)).toEqual([]));

it("leaves out a time that the clock leaps over", () => {
  expect(due("30 2 * * *", "2026-03-28T00:00:00Z", 2, "Europe/Berlin")).toEqual([
    "2026-03-28T02:30:00+01:00",
    "2026-03-30T02:30:00+02:00",
  ]);
});

it("comes twice at a time that the clock shows twice", () => {
  expect(due("30 2 * * *", "2026-10-24T23:00:00Z", 3, "Europe/Berlin")).toEqual([
    "2026-10-25T02:30:00+02:00",
    "2026-10-25T02:30:00+01:00",
    "2026-10-26T02:30:00+01:00",
  ]);
});

it("finds midnight where the clock leaps over it, and in zones that are half an hour off", () => {
  // Beirut's clocks leap at midnight: that Sunday begins at one.
  expect(due("0 * 29 3 *", "2026-03-28T21:00:00Z", 2, "Asia/Beirut")).toEqual([
    "2026-03-29T01:00:00+03:00",
    "2026-03-29T02:00:00+03:00",
  ]);
  expect(due("0 0 30 3 *", "2026-03-28T12:00:00Z", 1, "Europe/Berlin")).toEqual(["2026-03-30T00:00:00+02:00"]);
  expect(due("0 0 * * *", "2026-11-01T00:00:00Z", 2, "America/St_Johns")).toEqual([
    "2026-11-01T00:00:00-02:30",
    "2026-11-02T00:00:00-03:30",
  ]);
});

it.each([
  ["* * * *", "expected exactly 5 fields, found 4: [* * * *]"],
  ["60 * * * *", "end of range (60) above maximum (59): 60"],
  ["@never", "unrecognized descriptor: @never"],
  ["TZ=Mars/Olympus 0 0 * * *", "provided bad location Mars/Olympus: unknown time zone Mars/Olympus"],
])("refuses %s", (text, problem) => expect(parseSchedule(text)).toBe(problem));
