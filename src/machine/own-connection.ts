// How Sesta's own connections over SSH are told from those of people, on the machine that they reach.

/**
 * Stands in the command, as in `ssh HOST env SESTA_CONNECTION=1 …`, and so in the command line of what sshd starts and
 * in the environment below it: no server has to accept a variable for that. A connection without a command, as
 * ControlMaster keeps it, has no process below its sshd and needs no mark. What a person starts through Sesta (`ssh`,
 * `exec`) goes without it.
 */
export const connectionMark = "SESTA_CONNECTION";
