// `sesta open`: opens a workload, or the project's page, in the browser of its owner.
import { createOpenAddress } from "../../operations/open.ts";
import { openInBrowser } from "../browser.ts";
import type { Verb } from "../session.ts";

type Flags = { print?: boolean | undefined };

export const open: Verb<Flags, [string?]> = async (session, flags, name) => {
  const context = await session.open();
  const { url, expiresInSeconds } = await createOpenAddress(context, name);
  if (flags.json) return session.json({ url, expires_in_seconds: expiresInSeconds });
  const opened = !flags.print && (await openInBrowser(context.machine, session.world.env));
  if (opened) await opened(url);
  else session.terminal.out(`${url}\n`);
  if (expiresInSeconds !== null) session.terminal.err(`good once, for ${expiresInSeconds} s\n`);
};
