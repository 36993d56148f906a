// The variables by which programs on several machines find each other, as torchrun and PyTorch's env:// expect them.

export type Rank = {
  /** From 0. */
  node: number;
  nodes: number;
  /** Where the machine of rank 0 is reached by the others. */
  masterAddress: string;
  masterPort: number;
};

/**
 * One process a machine: torchrun, which starts more, sets RANK, LOCAL_RANK and WORLD_SIZE anew for each (PyTorch,
 * "torchrun: Environment Variables"). Set for one machine too, so that `env://` programs start everywhere.
 */
export function buildRankVariables({ node, nodes, masterAddress, masterPort }: Rank): Record<string, string> {
  return {
    MASTER_ADDR: masterAddress,
    MASTER_PORT: String(masterPort),
    NNODES: String(nodes),
    NODE_RANK: String(node),
    GROUP_RANK: String(node),
    RANK: String(node),
    LOCAL_RANK: "0",
    WORLD_SIZE: String(nodes),
    LOCAL_WORLD_SIZE: "1",
  };
}
