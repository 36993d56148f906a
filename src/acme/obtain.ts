// Asks a CA for a certificate by ACME; its questions are answered by whoever serves a folder on port 80.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import acme from "acme-client";
import { writeAtomic } from "../base/atomic-file.ts";
import type { CertificateRequest } from "../model/certificate.ts";

/** A common name may be this long at most (RFC 5280, appendix A.1); browsers read the alternative names only. */
const longestCommonName = 64;

/** The chain, as PEM. @throws what the CA or the way to it says */
export async function obtainCertificate(wanted: CertificateRequest): Promise<string> {
  const { directory, email, domain, accountKey, key, folder } = wanted;
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
