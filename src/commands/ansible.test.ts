// Which Ansible manages which Python, what it is told of a project's hosts, and what becomes of its lines.
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import {
  buildAnsibleEnv,
  buildInventory,
  chooseEnvironment,
  findPythonVersion,
  refusesPython,
} from "./ansible.ts";
import { oneLine, parsePlaybookLine } from "./ansible-lines.ts";

describe("the version", () => {
  test.each([
    [[], "current"],
    [["3.9"], "current"],
    [["3.14", "3.12"], "current"],
    [["3.8"], "older"],
    [["3.12", "3.6"], "older"],
    [["2.7"], "older"],
  ])("for machines with Python %j: %s", (versions, which) => {
    expect(chooseEnvironment(versions)).toBe(which);
  });

  test("is asked for, and found in whatever a login prints around it", () => {
    expect(findPythonVersion("Welcome to Ubuntu 20.04.6 LTS python 3.8 Connection closed")).toBe("3.8");
    expect(findPythonVersion("sh: python3: not found")).toBeUndefined();
  });

  test.each([
    "Ansible requires Python 3.9 or newer on the target. Current version: 3.8.18 (default, May  9 2026) [GCC 12.2.0]",
    "ansible-core requires a minimum of Python version 3.8. Current version: 3.6.15",
    "exit code 1: from __future__ import annotations · ^ · SyntaxError: future feature annotations is not defined",
  ])("refused: %s", (message) => {
    expect([refusesPython(message), refusesPython("package python3.9 is not available")]).toEqual([
      true,
      false,
    ]);
  });
});

describe("the environment", () => {
  const request = {
    env: { PATH: "/bin", LANG: "pt_BR", PYTHONDONTWRITEBYTECODE: "1", ANSIBLE_FORCE_COLOR: "1" },
    vars: { ANSIBLE_HOST_KEY_CHECKING: "0", ANSIBLE_SSH_COMMON_ARGS: "-o ProxyJump=bastion" },
    system: "linux",
    callbackFolder: "/cache/callback",
    knownHosts: '/a b/100%/it\'s "here"/known_hosts',
    acceptNewKeys: false,
  } as const;

  const pinned = '/a b/100%/it\'s "here"/known_hosts';
  /** What ssh makes of the arguments, in the order in which Ansible gives them. */
  const ssh = (env: ReturnType<typeof buildAnsibleEnv>) => {
    const given = `${env["ANSIBLE_SSH_ARGS"]} -o Port=22 ${env["ANSIBLE_SSH_COMMON_ARGS"]}`;
    const ran = spawnSync("sh", ["-c", `ssh -G -F none ${given} box`], { encoding: "utf8" });
    return ran.stdout.split("\n");
  };
  const checked = (checking: string) => [`userknownhostsfile ${pinned}`, `stricthostkeychecking ${checking}`];

  const evil =
    "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o 'KnownHostsCommand=/bin/echo box key' -o IgnoreUnknown=x";
  const said = "-o ProxyJump=bastion";
  test.each([
    ["of vars.sh", { ANSIBLE_SSH_ARGS: `${evil} ${said}` }, {}],
    ["common ones of vars.sh", { ANSIBLE_SSH_COMMON_ARGS: `${evil} ${said}` }, {}],
    ["common ones of an inventory", { ANSIBLE_SSH_ARGS: said }, { ANSIBLE_SSH_COMMON_ARGS: evil }],
  ] as const)(
    "T18: ssh's arguments, %s, switch no check of a key off, and the rest of them counts",
    (_what, vars, inventory) => {
      const given = ssh({ ...buildAnsibleEnv({ ...request, vars }), ...inventory });
      expect(given).toEqual(expect.arrayContaining([...checked("true"), "proxyjump bastion"]));
      expect(given).not.toContain("knownhostscommand /bin/echo box key");
    },
  );

  test("hosts of the user's own inventory may be let in at first sight; connections are kept unless somebody says otherwise", () => {
    const kept = ["controlmaster auto", "controlpersist 60", "compression yes"];
    const first = ssh(buildAnsibleEnv({ ...request, acceptNewKeys: true }));
    expect(first).toEqual(expect.arrayContaining([...checked("accept-new"), ...kept]));
    const config = { sshArgs: "-o ControlPersist=5s", sshCommonArgs: said };
    expect(ssh(buildAnsibleEnv({ ...request, vars: {}, config }))).toEqual(
      expect.arrayContaining([...checked("true"), "controlpersist 5", "proxyjump bastion"]),
    );
    const over = ssh(buildAnsibleEnv({ ...request, vars: { ANSIBLE_SSH_ARGS: "" }, config }));
    expect(over).toContain("controlpersist no");
    expect(buildAnsibleEnv(request)).toMatchObject({ ANSIBLE_HOST_KEY_CHECKING: "True" });
  });

  test("no colour, compiled code is kept, a UTF-8 locale", () => {
    const env = buildAnsibleEnv(request);
    expect(env).toMatchObject({ ANSIBLE_NOCOLOR: "True", LC_ALL: "C.UTF-8", ANSIBLE_PIPELINING: "True" });
    expect([env["PYTHONDONTWRITEBYTECODE"], env["ANSIBLE_FORCE_COLOR"]]).toEqual([undefined, undefined]);
    expect(
      buildAnsibleEnv({ ...request, vars: { LANG: "pt_BR.UTF-8", ANSIBLE_PIPELINING: "False" } }),
    ).toMatchObject({
      LC_ALL: "pt_BR.UTF-8",
      ANSIBLE_PIPELINING: "False",
    });
  });
});

test("an inventory names hosts as the project pins them, and the groups that a name can be of", () => {
  const hosts = [
    { name: "gpu-box", host: "10.0.0.7", port: 2222, user: "ada", keyFile: "/keys/a" },
    { name: "b", host: "b" },
  ];
  const text = buildInventory(hosts, { knownHosts: "/p/known_hosts", groups: ["box", "my-job", "all"] });
  const checking =
    "-o 'UserKnownHostsFile=\"/p/known_hosts\"' -o StrictHostKeyChecking=yes -o IgnoreUnknown=* -o KnownHostsCommand=none -o GlobalKnownHostsFile=/dev/null";
  expect(JSON.parse(text)).toEqual({
    all: {
      hosts: {
        "gpu-box": {
          ansible_host: "10.0.0.7",
          ansible_port: 2222,
          ansible_user: "ada",
          ansible_ssh_private_key_file: "/keys/a",
          ansible_ssh_common_args: `${checking} -o HostKeyAlias=gpu-box -o CheckHostIP=no -o UpdateHostKeys=no -o IdentitiesOnly=yes`,
        },
        b: {
          ansible_host: "b",
          ansible_ssh_common_args: `${checking} -o HostKeyAlias=b -o CheckHostIP=no -o UpdateHostKeys=no`,
        },
      },
      children: {
        box: { hosts: { "gpu-box": {}, b: {} } },
        "my-job": { hosts: { "gpu-box": {}, b: {} } },
        my_job: { hosts: { "gpu-box": {}, b: {} } },
      },
    },
  });
});

describe("a line", () => {
  const failed = {
    sesta: "result",
    play: "p",
    task: "t",
    host: "h",
    state: "failed",
    msg: "non-zero return code",
    rc: 3,
    stdout: "",
    stderr: "a\nb\n",
  };

  test("of a program that failed says what it said last", () => {
    expect(parsePlaybookLine(JSON.stringify(failed))).toMatchObject({
      message: "exit code 3: a · b",
      exitCode: 3,
      ignored: false,
    });
    expect(parsePlaybookLine(JSON.stringify({ ...failed, stderr: "", stdout: "only\nthis" }))).toMatchObject({
      message: "exit code 3: only · this",
    });
  });

  test.each(["", " ", "\u001b[0m "])("%j is none, or only what is in it", (line) => {
    expect(parsePlaybookLine(line)?.kind).toBe(line.includes("[") ? "line" : undefined);
  });

  test.each(['{"sesta":"what"}', "{", "[WARNING]: x", '{"a":1}', "null"])("%s is Ansible's own", (line) => {
    expect(parsePlaybookLine(line)).toEqual({ kind: "line", text: line });
  });

  test("wrong types in one are blanks", () => {
    expect(parsePlaybookLine('{"sesta":"result","task":{},"host":7,"state":"so-so","rc":"x"}')).toMatchObject(
      { task: "", host: "", state: "ok", exitCode: null },
    );
  });

  test("of anybody's text is one line without control or direction characters", () => {
    expect(oneLine(" a\r\n\t\u001b[31mb\u2028c\u202ed\u0000 ")).toBe("a [31mb c d");
  });
});
