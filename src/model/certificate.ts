// A certificate of a domain: what is asked of a CA, and what is known of it.

/** What the program that asks a CA reads, as JSON. */
export type CertificateRequest = {
  /** The CA's directory, an address. */
  directory: string;
  email: string | null;
  domain: string;
  /** Keys as PEM, of the account and of the certificate; both are written down by whoever asks. */
  accountKey: string;
  key: string;
  /** Answers are put here, each in a file named by its token (RFC 8555, section 8.3). */
  folder: string;
};

/** What it prints: the chain as PEM, or why there is none, without a full stop. */
export type CertificateAnswer = { chain: string } | { problem: string };

export type CertificateReport = {
  domain: string;
  /** Wall time in milliseconds up to which it is valid; null: there is none. */
  until: number | null;
  /** Why the last try to get one failed; null where it did not. */
  problem: string | null;
};
