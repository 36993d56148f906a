// The real Ansible in an environment of its own in Sesta's cache: the full collections and boto3, pinned and hashed.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { makePrivateFolder } from "../../base/atomic-file.ts";
import { SestaError } from "../../base/errors.ts";
import { callbackName, type AnsibleEnvironment } from "../../commands/ansible.ts";
import { anyPython } from "../../commands/uv.ts";
import { callbackScript, currentAnsible, olderAnsible } from "../../machine/ansible/files.gen.ts";
import { makePythonEnvironment } from "../../machine/python-environment.ts";
import { holdLock } from "../../state/open.ts";
import type { PlaybookPlace } from "./place.ts";

export type Ansible = { bin: string; python: string; callbackFolder: string };

const environments: Readonly<Record<AnsibleEnvironment, { python: string; locked: string }>> = {
  current: { python: anyPython, locked: currentAnsible },
  // What its ansible-core runs on, see `chooseEnvironment`.
  older: { python: ">=3.10,<3.13", locked: olderAnsible },
};

const lookEveryMs = 300;

/**
 * Made once for each content, whoever asks; a second command waits for the first.
 * @throws SestaError ENVIRONMENT, DISK_FULL, UV_MISSING, PYTHON_MISSING
 */
export async function ensureAnsible(
  place: PlaybookPlace,
  which: AnsibleEnvironment,
  detail: (text: string) => void,
): Promise<Ansible> {
  const { machine, cacheFolder, signal } = place;
  const home = join(cacheFolder, "ansible");
  const { python, locked } = environments[which];
  const environment = join(home, `${which}-${digest(python + locked)}`);
  const callbackFolder = join(home, `callback-${digest(callbackScript)}`);
  await makePrivateFolder(home);
  const lock = await holdWhenFree(place, `${environment}.lock`, detail);
  try {
    const wanted = { python, locked, packages: [], requirements: [], compile: false };
    await makePythonEnvironment({ machine, cacheFolder, signal }, wanted, environment, detail);
    await machine.put({ [`${callbackName}.py`]: callbackScript }, callbackFolder);
  } catch (error) {
    throw explain(error, which);
  } finally {
    lock.close();
  }
  return { bin: join(environment, "bin"), python: join(environment, "bin", "python"), callbackFolder };
}

async function holdWhenFree({ clock, signal }: PlaybookPlace, path: string, detail: (text: string) => void) {
  for (;;) {
    try {
      return holdLock(path);
    } catch (error) {
      if (!(error instanceof SestaError) || error.code !== "BUSY") throw error;
      detail("another command is installing Ansible");
      await clock.sleep(lookEveryMs, signal);
    }
  }
}

function explain(error: unknown, which: AnsibleEnvironment): unknown {
  if (!(error instanceof SestaError) || error.code !== "ENVIRONMENT") return error;
  const python = which === "older" ? "Python 3.10, 3.11 or 3.12" : "Python 3.10 or later";
  return new SestaError("ENVIRONMENT", `Ansible could not be installed: ${error.message}`, {
    problems: error.problems,
    hint: `It needs ${python} on this machine and a connection to PyPI.`,
    cause: error,
  });
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
