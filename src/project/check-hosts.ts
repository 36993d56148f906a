// That no two hosts of a target have one name: runs on several machines tell them apart by it, and so do their outputs.
import { findLocated, getOffset, valueAt } from "./located.ts";
import type { Finding, Located } from "./located.ts";
import { readHostName } from "./target-schema.ts";
import { quote } from "./wording.ts";

export function checkHosts(root: Located): Finding[] {
  const targets = findLocated(root, ["targets"])?.children ?? new Map<string | number, Located>();
  return [...targets.keys()].flatMap((target) => {
    const path = ["targets", target, "hosts"];
    const hosts = valueAt(root, path);
    if (!Array.isArray(hosts)) return [];
    const seen = new Set<string>();
    return hosts.flatMap((host: unknown, index): Finding[] => {
      const name = readHostName(host);
      if (name === undefined) return [];
      const isNew = !seen.has(name.toLowerCase()); // folders are named after it, also where case does not count
      seen.add(name.toLowerCase());
      if (isNew) return [];
      const message = `two hosts are called ${quote(name)}: give one of them another \`name\``;
      return [{ at: getOffset(root, [...path, index]), message }];
    });
  });
}
