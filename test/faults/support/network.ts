// A network of a test's own, which can fall silent as a cable does that somebody has pulled. Needs root, iproute2 and iptables.
import { spawnSync } from "node:child_process";
import { findMissingPackage } from "../../support/debian-package.ts";

/** Why none can be made here; it is printed. Undefined when one can. */
export function findMissingNetwork(): string | undefined {
  const reason =
    process.platform !== "linux" || process.getuid?.() !== 0
      ? "only root on Linux makes networks"
      : (findMissingPackage("iproute2", () => spawnSync("ip", ["-V"]).status === 0) ??
        findMissingPackage("iptables", () => spawnSync("iptables", ["-V"]).status === 0));
  if (reason !== undefined) console.log(`skipped: a silent line: ${reason}`);
  return reason;
}

/** What runs `inside` is reached at `address`, until every packet is dropped. */
export function makeNetwork() {
  const id = Math.floor(Math.random() * 250);
  const [name, outer, inner] = [`sesta-${id}`, `sesta-o${id}`, `sesta-i${id}`];
  const ip = (...words: string[]) => {
    const { status, stderr } = spawnSync("ip", words, { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
  };
  const inside = ["ip", "netns", "exec", name];
  const iptables = (...words: string[]) => {
    for (const chain of ["INPUT", "OUTPUT"])
      spawnSync("ip", [...inside.slice(1), "iptables", words[0] ?? "", chain, ...words.slice(1)]);
  };
  ip("netns", "add", name);
  ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", name);
  ip("addr", "add", `10.213.${id}.1/30`, "dev", outer);
  ip("link", "set", outer, "up");
  ip("-n", name, "addr", "add", `10.213.${id}.2/30`, "dev", inner);
  ip("-n", name, "link", "set", inner, "up");
  ip("-n", name, "link", "set", "lo", "up");
  return {
    address: `10.213.${id}.2`,
    inside,
    drop: () => iptables("-A", "-j", "DROP"),
    pass: () => iptables("-D", "-j", "DROP"),
    end: () => spawnSync("ip", ["netns", "del", name]),
  };
}
