// What a host says of itself, in one round trip.
import { SestaError } from "../../base/errors.ts";
import type { Argv, Facts, Ran } from "../machine.ts";

type Run = (argv: Argv) => Promise<Ran>;

/** With a GPU that fell off its bus it hangs, maybe where not even KILL reaches it. */
const gpuTimeoutS = 10;

const script = `
echo "system $(uname -s)"; echo "arch $(uname -m)"
echo "cores $(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN || sysctl -n hw.ncpu)"
if [ -r /proc/meminfo ]; then while read -r word kb rest; do
  [ "$word" = MemTotal: ] && { echo "memory $((kb * 1024))"; break; }
done </proc/meminfo; else echo "memory $(sysctl -n hw.memsize)"; fi
echo "home $HOME"; echo "user $(id -un)"; echo "hostname $(hostname 2>/dev/null || uname -n)"
command -v nvidia-smi >/dev/null 2>&1 || exit 0
echo gpus
nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null & smi=$!
tries=0
while kill -0 $smi 2>/dev/null && [ $tries -lt ${gpuTimeoutS * 20} ]; do
  tries=$((tries + 1)); sleep 0.05 2>/dev/null || { sleep 1; tries=$((tries + 19)); }
done
if kill -0 $smi 2>/dev/null; then kill -9 $smi; else wait $smi && echo "gpus shown"; fi
exit 0`;

const archs: Readonly<Record<string, string>> = { x86_64: "x64", amd64: "x64", aarch64: "arm64" };

/** @throws SestaError UNSUPPORTED for a system that is neither Linux nor macOS */
export async function readFacts(run: Run, name: string): Promise<Facts> {
  const { stdout } = await run(["sh", "-c", script]);
  const said = (word: string) => new RegExp(`^${word} (.+)$`, "m").exec(stdout)?.[1] ?? "";
  const gpus = /^gpus\n([^]*?)^gpus shown$/m.exec(stdout)?.[1] ?? "";
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
    gpus: gpus.split("\n").filter((name) => name.trim() !== ""),
  };
}
