// The version of this Sesta, the same in the sources, in the bundle and on machines.
export const version = "0.1.0";
