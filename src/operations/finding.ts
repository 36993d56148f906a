// One thing that `doctor` found.

/** `mend` is one command, or one thing to do. */
export type Finding = { level: "ok" | "warning" | "error"; what: string; mend?: string };
