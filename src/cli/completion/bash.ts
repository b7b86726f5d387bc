import { cases, quoted, words } from './shellScript.js';
import type { Suggestions } from '../commandOptions.js';
import type { Completion, OptionWords } from './tree.js';

/** Returns a script for bash 3.2, the version on macOS, and later. */
export function bashScript(completions: readonly Completion[]): string {
  return `# bash completion of latchkey. Load it with: source <(latchkey completion bash)
_latchkey() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} at='' i
  # bash takes --type=secret for three words.
  if [[ $current == = ]]; then current=''
  elif [[ $previous == = ]]; then previous=\${COMP_WORDS[COMP_CWORD-2]}; fi
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
${cases(completions, ({ path }) => [[` ${path}`, `at=${quoted(` ${path}`)} ;;`]])}
    esac
  done
  case "$at $previous" in
${cases(completions, ({ path, options }) => options.filter(takesValue).map((option) => [patternOf(path, option), replyWith(option.values)]))}
  esac
  if [[ $current == -* ]]; then
    case "$at" in
${cases(completions, ({ path, options }) => [[before(path), reply(options.flatMap(({ flags }) => flags))]])}
    esac
  fi
  case "$at" in
${cases(completions, ({ path, commands, values, files }) => [
  [
    before(path),
    files
      ? 'compopt -o default 2>/dev/null; return ;;'
      : replyWith({ ...values, values: [...commands.map(words), ...values.values] }),
  ],
])}
  esac
}
complete -F _latchkey latchkey
`;
}

function takesValue(option: OptionWords): boolean {
  return option.takesValue;
}

/** The commands in the line so far, each after a space. */
function before(path: string): string {
  return path === '' ? '' : ` ${path}`;
}

function patternOf(path: string, { flags }: OptionWords): string[] {
  return flags.map((flag) => `${before(path)} ${flag}`);
}

/** The words of `ask` are lower-case letters, digits and hyphens, so compgen has nothing to expand in them. */
function replyWith({ values, ask }: Suggestions): string {
  if (ask === null) return reply(values);
  const asked = `$("\${COMP_WORDS[0]}" ${ask} 2>/dev/null || printf '%s\\n' ${values.join(' ')})`;
  return `COMPREPLY=($(compgen -W "${asked}" -- "$current")); return ;;`;
}

function reply(values: readonly string[]): string {
  return values.length === 0
    ? 'return ;;'
    : `COMPREPLY=($(compgen -W ${quoted(values.join(' '))} -- "$current")); return ;;`;
}
