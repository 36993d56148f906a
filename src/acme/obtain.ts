// Asks a CA for a certificate by ACME; its questions are answered by whoever serves a folder on port 80.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import acme from "acme-client";
import { writeAtomic } from "../base/atomic-file.ts";
import type { CertificateRequest } from "../model/certificate.ts";

/** A common name may be this long at most (RFC 5280, appendix A.1); browsers read the alternative names only. */
const longestCommonName = 64;

const reachMs = 20_000;
/** What the library knows of challenges that it would look at itself, which it is told not to. */
const ports = { httpChallengePort: 80, httpsChallengePort: 443, tlsAlpnChallengePort: 443 };

/** The chain, as PEM. @throws what the CA or the way to it says */
export async function obtainCertificate(wanted: CertificateRequest): Promise<string> {
  const { directory, email, domain, accountKey, key, folder } = wanted;
  Object.assign(acme.axios.defaults, {
    acmeSettings: { ...ports, retryMaxAttempts: 2, retryDefaultDelay: 2 },
  });
  await reach(directory);
  const client = new acme.Client({
    directoryUrl: directory,
    accountKey,
    backoffMin: 1_000,
    backoffMax: 5_000,
  });
  const named = domain.length <= longestCommonName ? { commonName: domain } : {};
  const [, csr] = await acme.crypto.createCsr({ ...named, altNames: [domain] }, key);
  // Without this the library changes an account that is there already, by what it knows already.
  await client.createAccount({ onlyReturnExisting: true }).catch(() => undefined);
  return client.auto({
    csr,
    ...(email !== null && { email }),
    termsOfServiceAgreed: true,
    challengePriority: ["http-01"],
    // From here the domain may well be out of reach, behind the router that leads to it.
    skipChallengeVerification: true,
    challengeCreateFn: (_authorization, { token }, answer) => writeAtomic(join(folder, token), answer),
    challengeRemoveFn: (_authorization, { token }) => rm(join(folder, token), { force: true }),
  });
}

/** The library asks again and again, and then forgets why there is no answer. */
async function reach(directory: string): Promise<void> {
  const { ok, status, body } = await fetch(directory, { signal: AbortSignal.timeout(reachMs) });
  await body?.cancel();
  if (!ok) throw new Error(`its directory is answered with ${status}`);
}
