// The lab passes the contract of workloads.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildLabLaunch } from "../../src/workloads/lab/build-launch.ts";
import { root } from "../support/source-files.ts";
import { testWorkload } from "./workload.contract.ts";

const read = (name: string) => readFileSync(join(root, "src/workloads/lab", name), "utf8");
const section = { type: "lab", name: "notebook", target: "box", workspace: "notebook" } as const;

testWorkload("lab", {
  build: () =>
    buildLabLaunch(
      {
        ...section,
        password: "team_pass",
        idleMs: 2_400_000,
        maxAwakeMs: 86_400_000,
        packages: ["pandas", "scikit-learn>=1.5"],
        python: "3.12",
        port: 8_500,
        requirements: "requirements.txt",
        keepAwake: { cpuPercent: 50, gpuPercent: 20, forMs: 300_000, command: "./busy.sh" },
        save: {
          repo: "https://github.com/acme/notebooks.git",
          branch: "main",
          token: "git_token",
          include: ["data/*.csv"],
          exclude: ["*.ckpt"],
          maxFileBytes: 104_857_600,
          everyMs: 10_000,
          lfs: false,
          author: { name: "Ada Lovelace", email: "ada@example.org" },
        },
      },
      ["six==1.17.0"],
    ),
  buildLeast: () => buildLabLaunch({ ...section, idleMs: null, maxAwakeMs: null, packages: [] }, []),
  secrets: ["the-team-password", "the-token-of-the-repository"],
  files: { "requirements.txt": read("requirements.txt"), "launch.py": read("launch.py") },
});
