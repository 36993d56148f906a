// The user's own browser, where there is one to open.
import type { Machine } from "../machine/machine.ts";

/** Undefined on a machine without a screen, as behind SSH: then the address is printed instead. */
export async function openInBrowser(
  machine: Machine,
  env: NodeJS.ProcessEnv,
): Promise<((url: string) => Promise<void>) | undefined> {
  const { system } = await machine.facts();
  if (system === "linux" && !env["DISPLAY"] && !env["WAYLAND_DISPLAY"]) return undefined;
  const program = system === "darwin" ? "open" : "xdg-open";
  const there = await machine
    .run(["sh", "-c", `command -v ${program}`])
    .then(({ exitCode }) => exitCode === 0);
  if (!there) return undefined;
  return async (url) => void (await machine.run([program, url], { timeoutMs: 10_000 }));
}
