// Once before all tests. What a run that began earlier has loaded stays with it.
import { mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { buildPublishedForm } from "../../scripts/build.ts";
import { publishedForm } from "./published-form.ts";

export default async function setup(): Promise<void> {
  mkdirSync(dirname(publishedForm), { recursive: true });
  const fresh = mkdtempSync(`${publishedForm}-`);
  await buildPublishedForm(fresh);
  rmSync(publishedForm, { recursive: true, force: true });
  renameSync(fresh, publishedForm);
}
