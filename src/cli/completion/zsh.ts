import { cases, quoted } from './shellScript.js';
import type { Suggestions } from '../commandOptions.js';
import type { Completion, OptionWords } from './tree.js';

/** Returns a script for zsh 5 and later: like the one for bash, with descriptions. */
export function zshScript(completions: readonly Completion[]): string {
  return `#compdef latchkey
# zsh completion of latchkey. Put it as _latchkey where fpath leads, or load it with: source <(latchkey completion zsh)
_latchkey() {
  local at='' i current=$PREFIX previous=\${words[CURRENT-1]}
  local -a offered
  for ((i = 2; i < CURRENT; i++)); do
    case "$at \${words[i]}" in
${cases(completions, ({ path }) => (path === '' ? [] : [[` ${path}`, `at=${quoted(` ${path}`)} ;;`]]))}
    esac
  done
  # --type=secret is one word here.
  if [[ $current == --*=* ]]; then previous=\${current%%=*}; compset -P '*='; fi
  case "$at $previous" in
${cases(completions, ({ path, options }) => options.filter(({ takesValue }) => takesValue).map((option) => [patternOf(path, option), valuesOf(option.values)]))}
  esac
  if [[ $current == -* ]]; then
    case "$at" in
${cases(completions, ({ path, options }) => [
  [
    before(path),
    described(
      'option',
      options.map(({ flags: [flag = ''], about }) => [flag, about]),
    ),
  ],
])}
    esac
  fi
  case "$at" in
${cases(completions, ({ path, commands, values, files }) => [
  [
    before(path),
    files
      ? '_files; return ;;'
      : commands.length > 0
        ? described(
            'command',
            commands.map(({ text, about }) => [text, about]),
          )
        : valuesOf(values),
  ],
])}
  esac
}
if [[ $funcstack[1] == _latchkey ]]; then _latchkey "$@"; else compdef _latchkey latchkey; fi
`;
}

function before(path: string): string {
  return path === '' ? '' : ` ${path}`;
}

function patternOf(path: string, { flags }: OptionWords): string[] {
  return flags.map((flag) => `${before(path)} ${flag}`);
}

function valuesOf({ values, ask }: Suggestions): string {
  if (ask !== null) {
    return `compadd -- \${(f)"$("\${words[1]}" ${ask} 2>/dev/null || print -l ${values.join(' ')})"}; return ;;`;
  }
  return values.length === 0 ? 'return ;;' : `compadd -- ${values.map(quoted).join(' ')}; return ;;`;
}

/** A colon separates the word from its description. */
function described(what: string, entries: readonly (readonly [string, string])[]): string {
  const offered = entries.map(([text, about]) => quoted(`${text.replaceAll(':', '\\:')}:${about}`)).join(' ');
  return `offered=(${offered}); _describe ${what} offered; return ;;`;
}
