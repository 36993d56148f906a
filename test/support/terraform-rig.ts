// The real terraform CLI beside a stand-in of the clouds' providers that keeps resources in a folder.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { createLocalMachine } from "../../src/machine/local.ts";
import { openProjectState } from "../../src/state/project-state.ts";
import type { FoundResource } from "../../src/targets/terraform/find.ts";
import { identityOf } from "../../src/targets/terraform/identity.ts";
import { createRoot } from "../../src/targets/terraform/root.ts";
import type { RootContext } from "../../src/targets/terraform/root-context.ts";
import type { Intent } from "../../src/state/intent-state.ts";
import { makeTestFolder } from "./lab-environment.ts";

const standIn = join(import.meta.dirname, "../../../shared/terraform");

/** Why nothing of Terraform can run here; "" when it can. */
export function findMissingTerraform(): string {
  if (!existsSync(join(standIn, "setup.sh"))) return "the stand-in for the providers is not there";
  for (const program of ["terraform", "go"]) {
    try {
      execFileSync(program, ["version"], { stdio: "ignore", env: withoutConfig() });
    } catch {
      return `${program} is not installed`;
    }
  }
  return "";
}

const withoutConfig = () => ({ ...process.env, TF_CLI_CONFIG_FILE: undefined, TF_LOG: undefined });

/** The configuration of the CLI by which it finds the stand-in, which is built once for all tests. */
export function setUpTerraform(): string {
  return (configFile ??= buildStandIn());
}

let configFile: string | undefined;

function buildStandIn(): string {
  const folder = makeTestFolder();
  const source = join(folder, "terraform-source");
  cpSync(standIn, source, { recursive: true, force: true });
  execFileSync("chmod", ["-R", "u+w", source]);
  copyFileSync(join(import.meta.dirname, "terraform/import.go"), join(source, "fake-provider/import.go"));
  const argv = [join(source, "setup.sh"), join(folder, "terraform")];
  return execFileSync("bash", argv, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
}

export type CloudResource = { type: string; values: Record<string, unknown>; id: string };

/** A root with a cloud of its own. @param folder one of before; without it a fresh one */
export function createTerraformRig(options: Partial<RootContext> = {}, folder = makeScratch()) {
  const [cloud, log] = [join(folder, "cloud"), join(folder, "calls")];
  mkdirSync(cloud, { recursive: true });
  const state = openProjectState(join(folder, "state.db"));
  const env: Record<string, string | undefined> = {
    TF_CLI_CONFIG_FILE: setUpTerraform(),
    FAKE_CLOUD_DIR: cloud,
    FAKE_CLOUD_LOG: log,
  };
  const listCloud = (): CloudResource[] =>
    readdirSync(cloud).flatMap((type) =>
      readdirSync(join(cloud, type)).map((file) => {
        const values = JSON.parse(readFileSync(join(cloud, type, file), "utf8")) as Record<string, unknown>;
        return { type, values, id: String(values["id"]) };
      }),
    );
  const context: RootContext = {
    name: "notebook",
    folder: join(folder, "root"),
    terraform: "terraform",
    machine: createLocalMachine(withoutConfig()),
    isRemote: false,
    env,
    journal: {
      list: () => state.listIntents("notebook"),
      save: (wanted) => state.saveIntents("notebook", wanted),
      clear: () => state.deleteIntents("notebook"),
    },
    find: async (wanted) => findIn(listCloud(), wanted),
    clock: systemClock,
    signal: new AbortController().signal,
    ...options,
  };
  return {
    folder,
    env,
    context,
    root: createRoot(context),
    listCloud,
    /** Calls that the cloud has carried out: "create aws_vpc". */
    listCalls: (): string[] =>
      existsSync(log)
        ? readFileSync(log, "utf8")
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line) as { op: string; type: string })
            .map(({ op, type }) => `${op} ${type}`)
        : [],
    /**
     * A program like terraform whose nth write to its state fails while it applies.
     * @param how as strace takes it: "signal=KILL", "error=ENOSPC"
     */
    failing(how: string, nth: number): string {
      const program = join(folder, `fails-at-${nth}`);
      const inject = `-e trace=write -e inject=write:${how}:when=${nth}`;
      const traced = `exec strace -D -f -qq -o /dev/null -P terraform.tfstate ${inject} terraform "$@"`;
      writeFileSync(program, `#!/bin/sh\n[ "$1" = apply ] && ${traced}\nexec terraform "$@"\n`);
      chmodSync(program, 0o755);
      return program;
    },
    end() {
      state.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function makeScratch(): string {
  return mkdtempSync(join(tmpdir(), "sesta-tf-"));
}

/** By the tags, or the names where it has no tags, as a cloud is asked. */
function findIn(cloud: readonly CloudResource[], wanted: readonly Intent[]): FoundResource[] {
  return wanted.flatMap(({ address, type, identity }) =>
    cloud
      .filter((one) => {
        if (one.type !== type) return false;
        const { tags, names } = identityOf(one.values);
        return Object.keys(identity.tags).length > 0
          ? includes(tags, identity.tags)
          : includes(names, identity.names);
      })
      .map(({ id }) => ({ address, id })),
  );
}

function includes(
  found: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(wanted).every(([key, value]) => found[key] === value);
}
