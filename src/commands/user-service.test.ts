// Services of the user's session, whole; and what systemd itself says of the unit.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { buildLaunchdPlist, buildSystemdUnit, type UserService } from "./user-service.ts";

const service: UserService = {
  name: "sesta-vision-team",
  description: "Sesta gateway of vision-team",
  argv: ["/opt/node/bin/node", "/opt/sesta/main.js", "gateway", "--background", "-C", "/srv/vision"],
  folder: "/srv/vision",
  path: "/usr/local/bin:/usr/bin:/bin",
};
const odd: UserService = {
  ...service,
  description: "100% of\nit",
  argv: ["/bin/sh", "-c", 'echo "$HOME" %h \\ $$', "it's"],
  folder: "/srv/my 100% folder",
  path: '/a b:/c"d:/e%f',
};

test("the unit, whole", () => {
  expect(buildSystemdUnit(service)).toMatchInlineSnapshot(`
    "[Unit]
    Description=Sesta gateway of vision-team

    [Service]
    ExecStart="/opt/node/bin/node" "/opt/sesta/main.js" "gateway" "--background" "-C" "/srv/vision"
    WorkingDirectory=/srv/vision
    Environment="PATH=/usr/local/bin:/usr/bin:/bin"
    Restart=on-failure
    RestartSec=2
    # What the gateway started belongs to nobody else: it outlives the gateway and is adopted again.
    KillMode=process
    UMask=0077

    [Install]
    WantedBy=default.target
    "
  `);
});

test("T9: nothing in a unit is a specifier, a variable or a line of its own", () => {
  const unit = buildSystemdUnit(odd);
  expect(unit).toContain("Description=100%% of it\n");
  expect(unit).toContain(String.raw`ExecStart="/bin/sh" "-c" "echo \"$$HOME\" %%h \\ $$$$" "it's"` + "\n");
  expect(unit).toContain("WorkingDirectory=/srv/my 100%% folder\n");
  expect(unit.split("\n").length).toBe(buildSystemdUnit(service).split("\n").length);
});

test("the property list, whole", () => {
  expect(buildLaunchdPlist(service)).toMatchInlineSnapshot(`
    "<?xml version="1.0" encoding="UTF-8"?>
    <!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
    <plist version="1.0">
    <dict>
      <key>Label</key><string>sesta-vision-team</string>
      <key>ProgramArguments</key>
      <array>
        <string>/opt/node/bin/node</string>
        <string>/opt/sesta/main.js</string>
        <string>gateway</string>
        <string>--background</string>
        <string>-C</string>
        <string>/srv/vision</string>
      </array>
      <key>WorkingDirectory</key><string>/srv/vision</string>
      <key>EnvironmentVariables</key><dict><key>PATH</key><string>/usr/local/bin:/usr/bin:/bin</string></dict>
      <key>RunAtLoad</key><true/>
      <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
      <key>AbandonProcessGroup</key><true/>
      <key>Umask</key><integer>63</integer>
    </dict>
    </plist>
    "
  `);
});

test("T9: nothing in a property list is markup", () => {
  const text = "</string><key>x & y</key>";
  const plist = buildLaunchdPlist({ ...service, argv: [text], folder: text, path: text, name: text });
  expect(plist).not.toContain("<key>x");
  expect(plist.match(/&lt;\/string&gt;&lt;key&gt;x &amp; y&lt;\/key&gt;/g)).toHaveLength(4);
});

const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;
if (!hasSystemd) console.log("skipped: systemd-analyze is not here");

describe.skipIf(!hasSystemd)("systemd-analyze verify", () => {
  test.each([
    ["a usual unit", { ...service, argv: ["/bin/sh", "gateway"] }],
    ["one whose paths need quoting", odd],
  ])("finds nothing wrong with %s", (_what, wanted) => {
    const folder = mkdtempSync(join(tmpdir(), "sesta-unit-"));
    const path = join(folder, "sesta-x.service");
    mkdirSync(join(folder, "run"));
    writeFileSync(path, buildSystemdUnit({ ...wanted, folder: join(folder, "run") }));
    const env = { ...process.env, XDG_RUNTIME_DIR: join(folder, "run"), HOME: folder };
    const { stderr, status } = spawnSync("systemd-analyze", ["verify", "--user", path], {
      encoding: "utf8",
      env,
    });
    // Other units of this machine may be at fault.
    expect([status, stderr.split("\n").filter((line) => line.includes("sesta-x"))]).toEqual([0, []]);
    rmSync(folder, { recursive: true });
  });
});
