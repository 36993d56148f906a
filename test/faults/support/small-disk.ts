// A disk that can be made full at any moment: a tmpfs whose size changes. Needs root and mount(8).
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type SmallDisk = {
  /** So many bytes are free from now on, to a page. */
  leave(freeBytes: number): void;
  end(): void;
};

/** Why none can be mounted here; "" when one can. */
export function findMissingMount(): string {
  const folder = mkdtempSync(join(tmpdir(), "sesta-mount-"));
  const { status, stderr } = mount("size=1m", folder);
  if (status === 0) spawnSync("umount", [folder]);
  rmSync(folder, { recursive: true, force: true });
  return status === 0 ? "" : `no small disk can be mounted: ${String(stderr).trim()}`;
}

/** Mounts it at `folder`, which is made; mode 0700. */
export function mountSmallDisk(folder: string, bytes: number): SmallDisk {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { status, stderr } = mount(`size=${bytes},mode=0700`, folder);
  if (status !== 0) throw new Error(stderr);
  return {
    leave(freeBytes) {
      const { blocks, bfree, bsize } = statfsSync(folder);
      const size = (blocks - bfree) * bsize + freeBytes;
      const { status, stderr } = mount(`remount,size=${size}`, folder);
      if (status !== 0) throw new Error(stderr);
    },
    end: () => void spawnSync("umount", ["-l", folder]),
  };
}

function mount(options: string, at: string) {
  return spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", at], { encoding: "utf8" });
}
