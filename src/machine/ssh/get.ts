// Brings files from the host: by rsync, which goes on within a file, else by tar, which goes on after a file.
import { buildRsyncFetch } from "../../commands/rsync.ts";
import { fetchFiles, type Bring } from "../fetch/fetch.ts";
import type { Machine } from "../machine.ts";
import type { Listing } from "../fetch/list.ts";
import { bringByTar } from "../fetch/tar.ts";
import type { Link } from "./link.ts";
import { haveRsync, placesOf, runRsync } from "./rsync.ts";

/** A stream of tar is one round trip; a rsync that has nothing to go on with is several. */
const isSmall = ({ files, bytes, tar }: Listing) => tar !== "none" && files.length <= 100 && bytes <= 500_000;

type Get = Parameters<Machine["get"]>;

export function getRemote(link: Link, ...[from, patterns, into, options]: Get): ReturnType<Machine["get"]> {
  const { name } = link.connection.access.host;
  const machine = { name, open: link.open };
  const bring: Bring = async (listing, staging, { signal, onBytes }) => {
    if (!isSmall(listing) && (await haveRsync(link, listing.rsync))) {
      const argv = buildRsyncFetch(placesOf(link, staging, from));
      const files = listing.files.map(({ path }) => path);
      if ((await runRsync(link, argv, { files, signal, onBytes })) !== "unable") return;
    }
    await bringByTar(machine, from, listing, staging, { signal, onBytes });
  };
  return fetchFiles(machine, bring, from, patterns, into, options);
}
