// A program that starts with the user's session, as systemd and launchd want it written.

export type UserService = {
  /** "sesta-vision-team" */
  name: string;
  description: string;
  argv: readonly string[];
  folder: string;
  /** For programs that it looks up. */
  path: string;
};

/** Quoting and specifiers: systemd.syntax(7), systemd.service(5) "Command lines". */
export function buildSystemdUnit({ description, argv, folder, path }: UserService): string {
  return `[Unit]
Description=${escapeSpecifiers(description)}

[Service]
ExecStart=${argv.map(quoteForSystemd).join(" ")}
WorkingDirectory=${escapeSpecifiers(folder)}
Environment=${quoteForSystemd(`PATH=${path}`)}
Restart=on-failure
RestartSec=2
# What the gateway started belongs to nobody else: it outlives the gateway and is adopted again.
KillMode=process
UMask=0077

[Install]
WantedBy=default.target
`;
}

/** See launchd.plist(5). */
export function buildLaunchdPlist({ name, argv, folder, path }: UserService): string {
  const strings = argv.map((part) => `    <string>${escapeXml(part)}</string>`).join("\n");
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key><string>${escapeXml(name)}</string>
  <key>ProgramArguments</key>
  <array>
${strings}
  </array>
  <key>WorkingDirectory</key><string>${escapeXml(folder)}</string>
  <key>EnvironmentVariables</key><dict><key>PATH</key><string>${escapeXml(path)}</string></dict>
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
  <key>AbandonProcessGroup</key><true/>
  <key>Umask</key><integer>63</integer>
</dict>
</plist>
`;
}

function quoteForSystemd(text: string): string {
  return `"${escapeSpecifiers(text).replace(/[\\"]/g, "\\$&").replaceAll("$", "$$$$")}"`;
}

function escapeSpecifiers(text: string): string {
  return text.replaceAll("%", "%%").replace(/[\r\n]/g, " ");
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
