// The sections of the project file that are about AWS, as the rest of Sesta sees them.

/** The tag of a machine whose front door answers: the wake function leaves it there, and Terraform lets it be. */
export const readyTag = "sesta:ready";

/** Addresses in CIDR notation. */
export type Allow = {
  ssh: readonly string[];
  lab: readonly string[];
  wake: readonly string[];
};

export type AwsTargetSection = {
  type: "aws";
  region: string;
  /** Of the AWS configuration; without one, the credentials of the environment. */
  profile?: string;
  key: {
    /** Of the key pair in that region. */
    name: string;
    /** Path of its private key; `~/` is the home folder, else relative to the project's folder. */
    file: string;
  };
  allow: Allow;
};

export type CloudMachine = {
  /** As the cloud calls it: "t3.medium". */
  type: string;
  architecture: "x86_64" | "arm64";
  hasGpu: boolean;
  /** Null: the newest one that fits. */
  image: string | null;
  diskBytes: number;
};

/** What a workload asks of its machine; nothing at all is a small one. */
export type MachineWish = {
  type?: string;
  image?: string;
  cpus?: number;
  memoryBytes?: number;
  /** Without a name, any. */
  gpu?: { name?: string; count: number };
  diskBytes?: number;
};
