// `sesta gateway`: the gateway in the foreground, or in the background for `up`.
import { SestaError } from "../../base/errors.ts";
import { createLog } from "../../base/log.ts";
import { startGateway } from "../../gateway/gateway.ts";
import type { Context } from "../../operations/context.ts";
import { findService, installService, removeService } from "../../operations/gateway-install.ts";
import type { Session, Verb } from "../session.ts";

type Flags = { background?: boolean | undefined };

export const gateway: Verb<Flags, [string?]> = async (session, flags, action) => {
  const { terminal, world } = session;
  const context = await session.open();
  if (action === "install" || action === "uninstall") return install(session, context, action);
  if (action !== undefined) {
    throw new SestaError("USAGE", `The gateway cannot "${action}"`, {
      hint: "Actions: install, uninstall; none runs it here.",
    });
  }
  const log = createLog(terminal.err, world.clock.now);
  const running = await startGateway(context, log);
  const { url, doors } = running.hello();
  if (!flags.background) {
    terminal.err(`gateway on ${url}; Ctrl-C ends it\n`);
    for (const [name, door] of Object.entries(doors)) terminal.err(`  ${name}  ${door}\n`);
  }
  world.signal.addEventListener("abort", () => void running.stop(), { once: true });
  await running.ended;
};

async function install(session: Session, context: Context, action: "install" | "uninstall"): Promise<void> {
  const { terminal, flags } = session;
  const service = findService(context, await context.machine.facts());
  if (!flags.json)
    terminal.err(
      action === "install" ? `writes ${service.path}:\n\n${service.text}\n` : `removes ${service.path}\n`,
    );
  if (!(await session.confirm(action === "install" ? "Install it?" : "Remove it?"))) return;
  const notes =
    action === "install" ? await installService(context, service) : await removeService(context, service);
  if (flags.json) return session.json({ path: service.path, notes });
  for (const note of notes) terminal.out(`${note}\n`);
}
