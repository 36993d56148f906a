// What a host says of itself, in one round trip.
import { SestaError } from "../../base/errors.ts";
import type { Argv, Facts, Ran } from "../machine.ts";

type Run = (argv: Argv) => Promise<Ran>;

const script = `
echo "system $(uname -s)"; echo "arch $(uname -m)"
echo "cores $(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN || sysctl -n hw.ncpu)"
if [ -r /proc/meminfo ]; then while read -r word kb rest; do
  [ "$word" = MemTotal: ] && { echo "memory $((kb * 1024))"; break; }
done </proc/meminfo; else echo "memory $(sysctl -n hw.memsize)"; fi
echo "home $HOME"; echo "user $(id -un)"; echo "hostname $(hostname 2>/dev/null || uname -n)"
nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | while read -r name; do echo "gpu $name"; done
exit 0`;

const archs: Readonly<Record<string, string>> = { x86_64: "x64", amd64: "x64", aarch64: "arm64" };

/** @throws SestaError UNSUPPORTED for a system that is neither Linux nor macOS */
export async function readFacts(run: Run, name: string): Promise<Facts> {
  const { stdout } = await run(["sh", "-c", script]);
  const all = (word: string) =>
    [...stdout.matchAll(new RegExp(`^${word} (.+)$`, "gm"))].map(([, text = ""]) => text);
  const said = (word: string) => all(word)[0] ?? "";
  const system = said("system").toLowerCase();
  if (system !== "linux" && system !== "darwin") {
    throw new SestaError(
      "UNSUPPORTED",
      `${name} runs ${said("system") || "an unknown system"}; Sesta needs Linux or macOS`,
    );
  }
  return {
    system,
    arch: archs[said("arch")] ?? said("arch"),
    cores: Number(said("cores")) || 1,
    memoryBytes: Number(said("memory")) || 0,
    home: said("home"),
    user: said("user"),
    hostname: said("hostname"),
    gpus: all("gpu"),
  };
}
