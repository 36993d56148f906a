// Kinds of people and what their weeks look like; Monday to Friday by day, with exceptions that happen.
import { createRandom } from "./random.ts";
import type { Timeline } from "./timeline.ts";
import { createWeek, day, hour, minute, second, type Week } from "./week.ts";

export const kinds: Readonly<Record<string, (week: Week) => void>> = {
  "short cells all day": shortCells,
  "silent cells of hours": (week) => longRuns(week, "kernel", null),
  "printing cells of hours": (week) => longRuns(week, "kernel", 2 * minute),
  "programs in terminals": terminals,
  "jobs left in the background": (week) => longRuns(week, "background", null),
  "forgotten tabs": forgottenTabs,
  "reads, types rarely": reader,
  "edits files, runs nothing": editor,
  "a team of four": (week) =>
    [shortCells, longCellsOfTwoKinds, terminals, forgottenTabs].forEach((live) => live(week)),
};

export function buildTimeline(kind: string, seed: number): Timeline {
  const random = createRandom(seed);
  const week = createWeek(random);
  const live = kinds[kind];
  if (!live) throw new Error(`no such kind of person: ${kind}`);
  live(week);
  for (let days = 0; days < 7; days += 1) {
    if (random.chance(0.3))
      week.outage(days * day + random.between(9 * hour, 20 * hour), random.around(90 * second, 0.6));
  }
  return week.end();
}

function shortCells(week: Week): void {
  const { random } = week;
  for (const start of workdays(week)) {
    const lunch = start + random.between(2.5 * hour, 4 * hour);
    const sitting = { via: "kernel", pauseMs: 2 * minute, runMs: 8 * second } as const;
    week.sit({ from: start, to: lunch, ...sitting });
    const left = week.sit({
      from: lunch + random.around(50 * minute, 0.3),
      to: lunch + random.between(3 * hour, 5 * hour),
      ...sitting,
    });
    if (random.chance(0.3)) week.leaveTabOpen(left, random.between(1 * hour, 14 * hour));
  }
}

/** Prepares, starts something that takes hours, closes the laptop, and looks at it in the evening or the next day. */
function longRuns(
  week: Week,
  where: "kernel" | "background" | "terminal",
  outputEveryMs: number | null,
): void {
  const { random } = week;
  for (const start of workdays(week)) {
    const via = where === "kernel" ? "kernel" : "terminal";
    const left = week.sit({
      from: start,
      to: start + random.around(40 * minute, 0.5),
      via,
      pauseMs: 3 * minute,
      runMs: 10 * second,
    });
    const lasts = random.chance(0.15) ? random.between(14 * hour, 40 * hour) : random.around(3.5 * hour, 0.5);
    week.run(left + 10 * second, lasts, where, outputEveryMs);
    if (random.chance(0.25)) week.leaveTabOpen(left, random.between(10 * minute, 10 * hour));
    const back = left + lasts + random.around(2 * hour, 1);
    week.sit({
      from: back,
      to: back + random.around(20 * minute, 0.5),
      via: "kernel",
      pauseMs: 2 * minute,
      runMs: 5 * second,
    });
  }
}

function longCellsOfTwoKinds(week: Week): void {
  longRuns(week, "kernel", week.random.chance(0.5) ? null : minute);
}

function terminals(week: Week): void {
  const { random } = week;
  for (const start of workdays(week)) {
    const left = week.sit({
      from: start,
      to: start + random.around(50 * minute, 0.5),
      via: "terminal",
      pauseMs: 90 * second,
      runMs: 4 * second,
    });
    week.run(
      left + 5 * second,
      random.around(2.5 * hour, 0.7),
      "terminal",
      random.chance(0.5) ? null : 10 * second,
    );
    if (random.chance(0.4)) week.leaveTabOpen(left, random.between(20 * minute, 6 * hour));
  }
}

/** A short look a few times a week, from a desktop computer that stays on with the page open. */
function forgottenTabs(week: Week): void {
  const { random } = week;
  for (const start of workdays(week)) {
    if (random.chance(0.5)) continue;
    const left = week.sit({
      from: start,
      to: start + random.around(25 * minute, 0.5),
      via: "kernel",
      pauseMs: 2 * minute,
      runMs: 5 * second,
    });
    week.leaveTabOpen(left, random.between(8 * hour, 4 * day));
  }
}

function reader(week: Week): void {
  const { random } = week;
  for (const start of workdays(week)) {
    const left = week.sit({
      from: start,
      to: start + random.between(2 * hour, 6 * hour),
      via: random.chance(0.5) ? "save" : "kernel",
      pauseMs: 9 * minute,
    });
    if (random.chance(0.3)) week.leaveTabOpen(left, random.between(1 * hour, 5 * hour));
  }
}

function editor(week: Week): void {
  const { random } = week;
  for (const start of workdays(week)) {
    week.sit({
      from: start,
      to: start + random.between(1 * hour, 5 * hour),
      via: "save",
      pauseMs: 2 * minute,
    });
  }
}

/** When somebody begins on each day that they work; now and then also in the weekend, and late. */
function workdays({ random }: Week): number[] {
  return [0, 1, 2, 3, 4, 5, 6].flatMap((index) => {
    if (!random.chance(index < 5 ? 0.9 : 0.15)) return [];
    const begins = random.chance(0.1)
      ? random.between(18 * hour, 22 * hour)
      : random.between(8 * hour, 10.5 * hour);
    return [index * day + begins];
  });
}
