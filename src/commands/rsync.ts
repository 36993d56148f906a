// rsync between this machine and a host, for files that are named one by one on its standard input, each ended by NUL.

type Argv = readonly [program: string, ...operands: string[]];

const both = [
  "--protect-args", // no path meets a shell on the host
  "--from0",
  "--files-from=-",
  "--links",
  "--times",
  "--partial-dir=.sesta-partial",
  "--info=progress2",
  "--no-human-readable",
  "--outbuf=L",
];

/** @param shell see `buildRsyncShell` @param mark a variable as NAME=VALUE for the process on the host */
export type RsyncPlaces = { shell: string; mark: string; host: string; here: string; there: string };

/** Modes and times go too, owners and devices do not. @param similar see `Machine.upload` */
export function buildRsyncUpload(places: RsyncPlaces, similar: string | undefined): Argv {
  const linked = similar === undefined ? [] : [`--link-dest=${similar}`];
  return [
    "rsync",
    ...both,
    "--perms",
    ...linked,
    ...remote(places),
    "--",
    within(places.here),
    there(places),
  ];
}

/** Regular files alone. */
export function buildRsyncFetch(places: RsyncPlaces): Argv {
  const regular = [...both.filter((option) => option !== "--links"), "--no-implied-dirs", "--no-links"];
  return [
    "rsync",
    ...regular,
    "--chmod=Fu+rw,F-s",
    ...remote(places),
    "--",
    there(places),
    within(places.here),
  ];
}

/** Bytes that have gone over so far, out of what `--info=progress2` prints; undefined where it says nothing. */
export function parseRsyncProgress(text: string): number | undefined {
  const found = [...text.matchAll(/(?:^|[\r\n])\s*([\d,.]+)\s+\d+%/g)].at(-1)?.[1];
  return found === undefined ? undefined : Number(found.replaceAll(/[,.]/g, ""));
}

/** Whether this is the rsync that knows these options: macOS has another one of this name. */
export function isRsync(version: string): boolean {
  const [, major, minor] = /^rsync\s+version v?(\d+)\.(\d+)/m.exec(version) ?? [];
  return Number(major) > 3 || (Number(major) === 3 && Number(minor) >= 1);
}

function remote({ shell, mark }: RsyncPlaces): string[] {
  return ["-e", shell, `--rsync-path=exec env ${mark} rsync`];
}

function there({ host, there }: RsyncPlaces): string {
  return `${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${within(there)}`;
}

/** What is in the folder, not the folder itself. */
function within(folder: string): string {
  return folder.endsWith("/") ? folder : `${folder}/`;
}
