// Files and folders of the machine that a target is on.

export type Disk = {
  /** Those of these paths that exist. */
  findExisting(paths: readonly string[]): Promise<ReadonlySet<string>>;
  /** With those above it, where they are missing. @param mode of what is made */
  makeFolder(path: string, mode?: number): Promise<void>;
  /** Names of the folders in this one; none when it does not exist. */
  listFolders(path: string): Promise<string[]>;
  /** Files and whole folders; one that does not exist is no error. */
  remove(paths: readonly string[]): Promise<void>;
};
