// What is kept of a domain's certificate: its key, its chain, and the tries to get one. Only the user reads it.
import { createHash, generateKeyPairSync, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { makePrivateFolder, writeAtomic } from "../../base/atomic-file.ts";

export type KeptCertificate = {
  /** The CA that it is from. */
  directory: string;
  key: string;
  /** The key of the next one, while it is asked for. */
  nextKey: string | null;
  chain: string | null;
  /** Tries in a row that failed, and when the last was begun, in wall time. */
  failures: number;
  triedAt: number;
  problem: string | null;
};

export type CertificateFiles = ReturnType<typeof createCertificateFiles>;

export function createCertificateFiles(home: string) {
  const folder = join(home, "certificates");
  const pathOf = (domain: string) => join(folder, `${domain}.json`);
  return {
    challenges: join(folder, "challenges"),

    /** Undefined also for what is damaged: a new one is asked for. */
    async read(domain: string): Promise<KeptCertificate | undefined> {
      const text = await readFile(pathOf(domain), "utf8").catch(() => "");
      try {
        const kept = JSON.parse(text) as KeptCertificate;
        if (kept.chain !== null) createSecureContext({ key: kept.key, cert: kept.chain });
        return kept;
      } catch {
        return undefined;
      }
    },

    async write(domain: string, kept: KeptCertificate): Promise<void> {
      await makePrivateFolder(folder);
      await writeAtomic(pathOf(domain), JSON.stringify(kept));
    },

    /** The key of the account with a CA; made at the first use. */
    async accountKey(directory: string): Promise<string> {
      const name = createHash("sha256").update(directory).digest("hex").slice(0, 16);
      const path = join(folder, `account-${name}.pem`);
      const found = await readFile(path, "utf8").catch(() => undefined);
      if (found !== undefined) return found;
      const key = makeKey();
      await makePrivateFolder(folder);
      await writeAtomic(path, key);
      return key;
    },
  };
}

/** As PEM. */
export function makeKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }) as string;
}

/** Wall times in milliseconds; undefined for what is no certificate. */
export function readValidity(chain: string): { from: number; until: number } | undefined {
  try {
    const { validFromDate, validToDate } = new X509Certificate(chain);
    return { from: validFromDate.getTime(), until: validToDate.getTime() };
  } catch {
    return undefined;
  }
}
