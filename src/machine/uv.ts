// Finds uv on a machine, or installs a pinned one into Sesta's own cache, without root.
import { join } from "node:path";
import { SestaError } from "../base/errors.ts";
import type { Machine, Ran } from "./machine.ts";

const pinned = "uv==0.13.8";

// Debian's python3 comes without pip, so the wheel is then fetched by Python's own means and checked by its digest.
const fetchWheel = `
import hashlib, io, json, os, platform, stat, sys, sysconfig, urllib.request, zipfile
to, requirement = sys.argv[1:3]
version = requirement.split("==")[1]
index = json.load(urllib.request.urlopen(f"https://pypi.org/pypi/uv/{version}/json", timeout=60))
machine = platform.machine().lower().replace("amd64", "x86_64")
def fits(name):
    if sys.platform == "darwin":
        return "macosx" in name and ("arm64" if machine == "arm64" else "x86_64") in name
    libc = "musllinux" if "musl" in (sysconfig.get_config_var("HOST_GNU_TYPE") or "") else "manylinux"
    return libc in name and machine in name
wheel = next(f for f in index["urls"] if f["filename"].endswith(".whl") and fits(f["filename"]))
body = urllib.request.urlopen(wheel["url"], timeout=300).read()
if hashlib.sha256(body).hexdigest() != wheel["digests"]["sha256"]:
    sys.exit("the downloaded uv does not match its digest")
archive = zipfile.ZipFile(io.BytesIO(body))
os.makedirs(os.path.join(to, "bin"), exist_ok=True)
for name in archive.namelist():
    if name.endswith("/scripts/uv"):
        path = os.path.join(to, "bin", "uv")
        with open(path + ".new", "wb") as out:
            out.write(archive.read(name))
        os.chmod(path + ".new", 0o755)
        os.replace(path + ".new", path)
`;

/**
 * The path of a working uv.
 * @param cacheFolder where uv is installed when the machine has none
 * @throws SestaError PYTHON_MISSING, UV_MISSING
 */
export async function ensureUv(
  machine: Machine,
  cacheFolder: string,
  detail: (text: string) => void,
): Promise<string> {
  const found = await findUv(machine, cacheFolder);
  if (found !== undefined) return found;
  detail("installing uv");
  const to = join(cacheFolder, "uv");
  await requirePython(machine);
  const byPip = await machine.run([
    "python3",
    "-m",
    "pip",
    "install",
    "--quiet",
    "--upgrade",
    "--target",
    to,
    pinned,
  ]);
  const ran = byPip.exitCode === 0 ? byPip : await machine.run(["python3", "-c", fetchWheel, to, pinned]);
  const installed = await findUv(machine, cacheFolder);
  if (installed !== undefined) return installed;
  throw new SestaError("UV_MISSING", `uv is not on PATH and could not be installed: ${lastLine(ran)}`, {
    hint: "Install uv (https://docs.astral.sh/uv), or check the connection to PyPI, then try again.",
  });
}

/** uv from PATH, else the one in Sesta's cache; undefined when there is neither. */
export async function findUv(machine: Machine, cacheFolder: string): Promise<string | undefined> {
  for (const candidate of ["uv", join(cacheFolder, "uv", "bin", "uv")]) {
    const works = await machine.run([candidate, "--version"]).then(
      (ran) => ran.exitCode === 0,
      () => false,
    );
    if (works) return candidate;
  }
  return undefined;
}

async function requirePython(machine: Machine): Promise<void> {
  const works = await machine.run(["python3", "--version"]).then(
    (ran) => ran.exitCode === 0,
    () => false,
  );
  if (works) return;
  throw new SestaError(
    "PYTHON_MISSING",
    "uv is not installed, and python3, which could install it, was not found",
    {
      hint: "Install uv (https://docs.astral.sh/uv) or python3.",
    },
  );
}

function lastLine({ stderr, stdout, exitCode }: Ran): string {
  return (stderr.trim() || stdout.trim()).split("\n").at(-1) ?? `exit code ${exitCode}`;
}
