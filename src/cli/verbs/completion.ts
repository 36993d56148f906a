// `sesta completion`: the script by which a shell asks Sesta itself what could come next.
import { SestaError } from "../../base/errors.ts";
import type { Verb } from "../session.ts";

export const completion: Verb<object, [string]> = (session, flags, shell) => {
  const script = Object.hasOwn(scripts, shell) ? scripts[shell as keyof typeof scripts] : undefined;
  if (script === undefined) {
    throw new SestaError("USAGE", `There is no completion for "${shell}"`, {
      hint: `Shells: ${Object.keys(scripts).join(", ")}.`,
    });
  }
  if (flags.json) return session.json({ shell, script });
  session.terminal.out(script);
};

// All three hand over the words so far, the last one perhaps begun, and get one proposal a line.
const scripts = {
  bash: `_sesta() {
  local word=\${COMP_WORDS[COMP_CWORD]}
  mapfile -t COMPREPLY < <(sesta __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$word"))
}
complete -o nosort -F _sesta sesta
`,
  zsh: `#compdef sesta
_sesta() {
  local -a proposals
  proposals=("\${(@f)$(sesta __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${proposals[1]}" ]]; then compadd -- "\${proposals[@]}"; else _files; fi
}
if [[ "$funcstack[1]" == "_sesta" ]]; then _sesta "$@"; else compdef _sesta sesta; fi
`,
  fish: `complete -c sesta -f -a '(sesta __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
`,
};
