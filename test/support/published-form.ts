// The published form of these sources, which tests drive as users do: what is bundled starts in half the time.
import { join } from "node:path";
import { root } from "./source-files.ts";

/** Bundled before all tests, see `bundle-published-form.ts`. */
export const publishedForm = join(root, "node_modules", ".cache", "sesta-published");
export const sestaProgram = join(publishedForm, "main.js");
export const agentProgram = join(publishedForm, "agent.js");
