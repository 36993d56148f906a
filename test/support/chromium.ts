// Finds a Chromium for the browser tests; as root on Debian it installs one.
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { findMissingPackage } from "./debian-package.ts";

export type FoundChromium = { executablePath: string } | { missing: string };

/** Flags that keep a test's browser quiet: no sandbox for root, no calls of its own to the network. */
export const chromiumArguments = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** `SESTA_CHROMIUM`, else one on PATH or in its usual place, else Debian's package; else why there is none. */
export function findChromium(): FoundChromium {
  const found = findInstalled();
  if (found !== undefined) return { executablePath: found };
  const missing = findMissingPackage("chromium", () => findInstalled() !== undefined);
  const installed = findInstalled();
  return installed === undefined
    ? { missing: `${missing ?? "no Chromium is there"}; or name one in SESTA_CHROMIUM` }
    : { executablePath: installed };
}

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const usualPlaces = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

function findInstalled(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const wanted = process.env["SESTA_CHROMIUM"] ?? "";
  return [
    ...(wanted === "" ? [] : [wanted]),
    ...names.flatMap((name) => folders.map((folder) => join(folder, name))),
    ...usualPlaces,
  ].find(canRun);
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
