// Load tests take minutes and both cores, so they run only when they are asked for: `npm run test:load`.

export const isSkipped = process.env["SESTA_FULL"] !== "1";
if (isSkipped) console.log("skipped: load takes minutes; `npm run test:load` runs it (SESTA_FULL=1)");

/** How long what lasts is to last. */
export const minutes = Number(process.env["SESTA_LOAD_MINUTES"] ?? 10);
if (!(minutes > 0 && minutes <= 1440)) throw new Error("SESTA_LOAD_MINUTES is no number of minutes");

export const lastsMs = minutes * 60_000;
