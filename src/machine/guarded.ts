// A machine that has to be looked after before it is used: one whose address changes, or that may be off.
import type { Machine } from "./machine.ts";

/** @param before throws where the machine cannot be used now */
export function guardMachine(machine: Machine, before: () => Promise<void>): Machine {
  const guarded =
    <Operands extends unknown[], Result>(call: (...operands: Operands) => Promise<Result>) =>
    async (...operands: Operands): Promise<Result> => {
      await before();
      return call(...operands);
    };
  return {
    name: machine.name,
    run: guarded(machine.run),
    start: guarded(machine.start),
    open: guarded(machine.open),
    interact: guarded(machine.interact),
    put: guarded(machine.put),
    upload: guarded(machine.upload),
    get: guarded(machine.get),
    forward: guarded(machine.forward),
    expose: guarded(machine.expose),
    freeBytes: guarded(machine.freeBytes),
    facts: guarded(machine.facts),
    close: machine.close,
  };
}
