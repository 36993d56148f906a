// What is about to be made in a cloud, written down before anything is: by this it is found after a kill.
import type { DatabaseSync } from "node:sqlite";

export const intentMigration = `CREATE TABLE intents (
     root TEXT NOT NULL, address TEXT NOT NULL, type TEXT NOT NULL,
     identity TEXT NOT NULL, -- JSON: the names and tags by which the cloud knows it
     PRIMARY KEY (root, address)
   ) STRICT;`;

export type Intent = {
  /** As the tool that makes it speaks of it: "aws_instance.lab". */
  address: string;
  type: string;
  identity: Identity;
};

export type Identity = {
  tags: Readonly<Record<string, string>>;
  /** Arguments that name it, by argument. */
  names: Readonly<Record<string, string>>;
  /** The id of the one whose place it takes. */
  replaces?: string;
};

export function intents(db: DatabaseSync) {
  const insert = db.prepare("INSERT OR REPLACE INTO intents VALUES (?, ?, ?, ?)");
  return {
    listIntents: (root: string): Intent[] =>
      db
        .prepare("SELECT address, type, identity FROM intents WHERE root = ? ORDER BY address")
        .all(root)
        .map((row) => ({
          address: String(row["address"]),
          type: String(row["type"]),
          identity: JSON.parse(String(row["identity"])) as Identity,
        })),
    /** Beside those that are there: what an earlier try made may not have been found yet. */
    saveIntents: (root: string, wanted: readonly Intent[]): void => {
      for (const { address, type, identity } of wanted)
        insert.run(root, address, type, JSON.stringify(identity));
    },
    deleteIntents: (root: string): void => {
      db.prepare("DELETE FROM intents WHERE root = ?").run(root);
    },
  };
}
