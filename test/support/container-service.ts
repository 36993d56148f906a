// A project with a service in a container, whose image is built FROM scratch, on a podman of the test's own.
import { copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { endAll } from "../faults/support/processes.ts";
import { startSshServer } from "./ssh-server.ts";
import { packageVariables } from "./ssh-target.ts";
import { createPodman, type Podman } from "./podman.ts";
import { createScratchProject, freePort, type ScratchProject } from "./scratch-project.ts";

/** Serves its version; holds 300 MB once it is told to; fails at once where its version says so. */
const main = `echo "version $(busybox cat /version) starts"
[ "$(busybox cat /version)" != broken ] || { echo 'some last words'; exit 3; }
busybox mkdir /w && busybox cp /version /w/version && echo ok >/w/health
busybox httpd -p "\${LISTEN:-$PORT}" -h /w
while [ ! -e /w/eat ]; do busybox sleep 0.1; done
x=$(busybox yes | busybox head -c 300000000)
`;

const dockerfile = `FROM scratch
COPY busybox /bin/busybox
COPY busybox /bin/sh
ENV PATH=/bin
COPY main.sh version /
CMD ["sh", "/main.sh"]
`;

export type ContainerProject = ScratchProject & {
  port: number;
  /** What the engine knows its containers by. */
  label: string;
  /** Names of those that run; of all with `-a`. */
  containers(...more: readonly string[]): string[];
  setVersion(version: string): void;
  /** Lines of its section. */
  setSection(...lines: readonly string[]): void;
  /** The body of a GET, and what is wrong where there is none. */
  get(path: string): Promise<string>;
};

export type ContainerRig = {
  podman: Podman;
  /** @param lines of the section of `iris`, beside type and port */
  create(...lines: readonly string[]): Promise<ContainerProject>;
  /** An sshd that leads to the same podman, as the target `box` of what is created from now on. */
  startHost(): Promise<void>;
  end(): Promise<void>;
};

type SshServer = Awaited<ReturnType<typeof startSshServer>>;

function describeHost({ host, port, key }: SshServer): object {
  return { name: "box", host, port, user: userInfo().username, key };
}

export function createContainerRig(): ContainerRig {
  const folder = mkdtempSync(join(tmpdir(), "sesta-podman-"));
  const podman = createPodman(join(folder, "podman"));
  const home = join(folder, "home");
  mkdirSync(home);
  const projects: ScratchProject[] = [];
  let server: SshServer | undefined;
  return {
    podman,
    async create(...lines) {
      const port = await freePort();
      const write = (section: readonly string[]) =>
        [
          "name: in-containers",
          "secrets: { token: { env: TEAM_PASS } }",
          ...(server
            ? [`targets: { box: { type: ssh, hosts: [${JSON.stringify(describeHost(server))}] } }`]
            : []),
          "workloads:",
          ...["iris:", "  type: service", `  port: ${port}`, ...section.map((line) => `  ${line}`)].map(
            (line) => `  ${line}`,
          ),
          "",
        ].join("\n");
      const project = await createScratchProject(write(lines), { ...podman.variables, HOME: home });
      projects.push(project);
      const put = (name: string, text: string) => writeFileSync(join(project.folder, name), text);
      copyFileSync("/bin/busybox", join(project.folder, "busybox"));
      put("main.sh", main);
      put("Dockerfile", dockerfile);
      put("version", "1");
      const label = `sesta.agent=${project.folder}/.sesta/agent`;
      return {
        ...project,
        port,
        label,
        containers: (...more) =>
          podman
            .must("ps", `--filter=label=${label}`, "--format={{.Names}}", ...more)
            .split("\n")
            .filter((name) => name !== "")
            .toSorted(),
        setVersion: (version) => put("version", version),
        setSection: (...section) => put("sesta.yaml", write(section)),
        get: async (path) => {
          const response = await fetch(`http://127.0.0.1:${port}${path}`, {
            headers: { connection: "close" },
          });
          const body = await response.text();
          return response.ok ? body : `${response.status} ${body}`;
        },
      };
    },
    async startHost() {
      const own = join(folder, "host");
      mkdirSync(own);
      server = await startSshServer(own, { variables: { ...packageVariables(), ...podman.variables } });
    },
    async end() {
      for (const project of projects) await project.end();
      if (server) await endAll(join(folder, "host"));
      await server?.end();
      podman.end();
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}
