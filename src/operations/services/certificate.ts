// The certificate of a service, as it stands in the project's folder.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { SestaError } from "../../base/errors.ts";
import type { ServiceSection } from "../../model/project.ts";
import type { Certificate } from "../../model/release.ts";
import type { Context } from "../context.ts";

/** Null where it has none. @throws SestaError PROJECT_UNREADABLE for files that are none, or do not belong together */
export async function readCertificate(
  { project }: Context,
  { name, certificate }: ServiceSection,
): Promise<Certificate | null> {
  if (!certificate) return null;
  try {
    const [cert, key] = await Promise.all(
      [certificate.cert, certificate.key].map((path) => readFile(join(project.folder, path), "utf8")),
    );
    if (cert === undefined || key === undefined) return null;
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
      throw new Error("the key is another one's");
    return { cert, key };
  } catch (cause) {
    throw new SestaError("PROJECT_UNREADABLE", `The certificate of ${name} cannot be used`, {
      where: `${certificate.cert}, ${certificate.key}`,
      hint: "Both are PEM files, and the key is that of the certificate.",
      cause,
    });
  }
}
