// The playbook of a job, as a person reads it; the golden files are what is reviewed.
import { expect, test } from "vitest";
import { parse } from "yaml";
import type { JobSection } from "../../model/project.ts";
import { buildPlaybook } from "./build-playbook.ts";
import type { PlaybookOptions } from "./playbook-options.ts";

const bare: JobSection = {
  type: "job",
  name: "train",
  target: "box",
  packages: [],
  data: [],
  env: {},
  fetch: [],
  into: "results/train",
  timeoutMs: null,
  retries: 0,
  nodes: 1,
  gpus: null,
  rendezvousMs: 600_000,
};
const options: PlaybookOptions = {
  project: "vision-team",
  local: false,
  manager: "apt",
  secrets: { hf_token: "HF_TOKEN", git_token: "GITHUB_TOKEN" },
  excluded: ["team.pass"],
  folders: ["data"],
  fileName: "train.yaml",
  projectPath: "",
};

const jobs: Readonly<Record<string, readonly [Partial<JobSection>, Partial<PlaybookOptions>?]>> = {
  dcgan: [
    {
      name: "dcgan",
      repo: "https://github.com/otavioon/Distributed-DCGAN.git",
      packages: ["docker.io"],
      container: { build: ".", tag: "dist_dcgan" },
      run: "python -m torch.distributed.launch dist_dcgan.py --dataset mnist --dataroot data --download --image_size 64 --batch_size 128 --out_folder output --test_data --num_epochs 1 --max_workers 1",
      stdout: "output.txt",
      fetch: ["output.txt", "output"],
      into: "resultados",
    },
  ],
  "own-folder": [
    {
      python: { packages: ["numpy", "torch==2.6"], requirements: "requirements.txt", version: "3.12" },
      setup: "make\nmake check",
      run: "python train.py --epochs \"$EPOCHS\"\necho '{{ done }}' ${#EPOCHS}",
      env: { EPOCHS: { text: "3" }, HF_TOKEN: { secret: "hf_token" }, SHAPE: { text: "{{ 64 }}" } },
      stdout: "logs/out put.txt",
      fetch: ["logs/out put.txt", "*.pt", "model"],
      data: [
        { from: "data", kind: "path", to: "data", unpack: false },
        {
          from: "https://example.org/digits.tar.gz",
          kind: "url",
          to: "digits",
          unpack: true,
          sha256: "a".repeat(64),
        },
        { from: "labels.csv", kind: "path", to: "in/labels.csv", unpack: false },
      ],
      timeoutMs: 7_200_000,
      retries: 2,
    },
  ],
  tracked: [
    {
      container: { image: "python:3.12" },
      run: "python train.py",
      env: { MLFLOW_EXPERIMENT_NAME: { text: "digits" }, HF_TOKEN: { secret: "hf_token" } },
      tracker: "tracking",
    },
  ],
  "several-machines": [
    {
      repo: "https://github.com/acme/private.git",
      ref: "v1.2",
      token: "git_token",
      packages: ["podman"],
      container: { image: "pytorch/pytorch:2.6.0" },
      run: "torchrun train.py",
      nodes: 2,
      gpus: "all",
      fetch: ["model.pt"],
      playbook: "configure.yaml",
    },
    { manager: "dnf" },
  ],
  "this-machine": [{ run: "sh train.sh", stdout: "output.txt", fetch: ["output.txt"] }, { local: true }],
};

test.each(Object.entries(jobs))("%s", async (name, [job, more]) => {
  const text = buildPlaybook({ ...bare, ...job }, { ...options, ...more });
  await expect(text).toMatchFileSnapshot(`../../../test/golden/playbooks/playbook-${name}.yaml`);
});

test("what the user wrote is the same behind YAML, and no template", () => {
  const script = "a: '{{ b }}' \"c\" {% d %} ${#e} \\\n  # f\n\ttab\n";
  const text = buildPlaybook({ ...bare, run: script }, options);
  const [play] = parse(text, {
    customTags: [{ tag: "!unsafe", resolve: (value: string) => ({ unsafe: value }) }],
  }) as [{ vars: { command: unknown } }];
  expect(play.vars.command).toEqual({ unsafe: script });
});
