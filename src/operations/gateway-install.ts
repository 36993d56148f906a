// Has the gateway start with the user's session, so that an address still wakes a workload after a reboot.
import { rm } from "node:fs/promises";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { SestaError } from "../base/errors.ts";
import { makePrivateFolder, writeAtomic } from "../base/atomic-file.ts";
import { buildLaunchdPlist, buildSystemdUnit } from "../commands/user-service.ts";
import type { Argv, Facts } from "../machine/machine.ts";
import type { Context } from "./context.ts";
import { stopGateway } from "./gateway.ts";

export type Service = { name: string; path: string; text: string; system: Facts["system"] };

/** What would be written, and where. @throws SestaError UNSUPPORTED without a home folder */
export function findService({ world, project }: Context, { system }: Facts): Service {
  const home = world.env["HOME"];
  if (!home) throw new SestaError("UNSUPPORTED", "HOME is not set", { hint: "Set it to your home folder." });
  const name = `sesta-${project.name}`;
  const service = {
    name,
    description: `Sesta gateway of ${project.name}`,
    argv: [...world.gatewayCommand, "-C", project.folder],
    folder: project.folder,
    path: world.env["PATH"] ?? "/usr/bin:/bin",
  };
  if (system === "darwin") {
    return {
      name,
      system,
      path: join(home, "Library", "LaunchAgents", `${name}.plist`),
      text: buildLaunchdPlist(service),
    };
  }
  const config = world.env["XDG_CONFIG_HOME"] ?? join(home, ".config");
  return {
    name,
    system,
    path: join(config, "systemd", "user", `${name}.service`),
    text: buildSystemdUnit(service),
  };
}

/** Notes for the user. The gateway that runs now gives way to the one of the session. */
export async function installService(context: Context, service: Service): Promise<string[]> {
  const { name, path, text, system } = service;
  if (system === "linux") await requireSystemd(context);
  await makePrivateFolder(dirname(path));
  await writeAtomic(path, text, 0o644);
  await stopGateway(context);
  if (system === "darwin") {
    await must(context, ["launchctl", "bootstrap", `gui/${userInfo().uid}`, path]);
    return [`${path} is loaded; it starts when you log in`];
  }
  await must(context, ["systemctl", "--user", "daemon-reload"]);
  await must(context, ["systemctl", "--user", "enable", "--now", `${name}.service`]);
  const lingers = await context.machine.run(["loginctl", "enable-linger", userInfo().username]).then(
    ({ exitCode }) => exitCode === 0,
    () => false,
  );
  const when = lingers
    ? "it starts with the machine"
    : `it starts when you log in; \`sudo loginctl enable-linger ${userInfo().username}\` has it start with the machine`;
  return [`${name}.service is enabled: ${when}`];
}

export async function removeService(context: Context, { name, path, system }: Service): Promise<string[]> {
  const argv: Argv =
    system === "darwin"
      ? ["launchctl", "bootout", `gui/${userInfo().uid}/${name}`]
      : ["systemctl", "--user", "disable", "--now", `${name}.service`];
  await context.machine.run(argv).catch(() => undefined); // it may not be loaded
  await rm(path, { force: true });
  return [`${path} is gone; \`sesta up\` starts a gateway in the background`];
}

async function requireSystemd({ machine, world, project }: Context): Promise<void> {
  const ran = await machine.run(["systemctl", "--user", "show-environment"]).catch(() => ({ exitCode: 1 }));
  if (ran.exitCode === 0) return;
  const command = [...world.gatewayCommand, "-C", project.folder].join(" ");
  throw new SestaError("UNSUPPORTED", "There is no systemd of your session here", {
    hint: `Have your own init system run: ${command}`,
  });
}

async function must({ machine }: Context, argv: Argv): Promise<void> {
  const { exitCode, stderr } = await machine.run(argv);
  if (exitCode === 0) return;
  throw new SestaError("COMMAND_FAILED", `${argv.join(" ")} failed: ${stderr.trim()}`, {
    hint: "Run it by hand to see more.",
  });
}
