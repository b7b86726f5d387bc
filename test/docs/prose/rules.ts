/** A word or a construction that a text must not contain. Sections 3 to 5 of the writing guide. */
export interface Rule {
  readonly name: string;
  /** Matched against a text whose code, links and quotations were replaced. A space also matches a line break. */
  readonly pattern: string;
  /** How to write it instead. */
  readonly hint: string;
  /** Sentences that the rule finds. */
  readonly bad: readonly string[];
  /** Sentences that it must not find. */
  readonly good: readonly string[];
}

/** The start of a sentence. */
const START = String.raw`(?<=^\s*|[.!?] )`;

export const RULES: readonly Rule[] = [
  {
    name: 'archaic word',
    pattern: String.raw`\b(?:anew|befalls?|mends?|mended|aught|nought|lest|thereof|whereof|therein|wherein|whereby|whereupon|thereupon|hereby|hither|thither|whence|thence|albeit|upon)\b`,
    hint: 'Use the everyday word: again, happen, fix, so that, of it, on.',
    bad: ['The file is read anew.', 'A lock is taken, lest two processes write.'],
    good: ['The file is read again.', 'Based on a lock.', 'A newer version exists.'],
  },
  {
    name: 'shall',
    pattern: String.raw`\bshall\b`,
    hint: 'Use must, will, or the imperative.',
    bad: ['The user to whom it shall belong.'],
    good: ['A shallow copy.', 'The key must belong to a user.'],
  },
  {
    name: 'besides at the end',
    pattern: String.raw`\bbesides(?=[.,;:)]|$)`,
    hint: 'Write "in addition", "too", or name what is added.',
    bad: ['Scopes that a key would need besides.'],
    good: ['Fields besides the ID are optional.'],
  },
  {
    name: 'told',
    pattern: String.raw`\btold\b`,
    hint: 'Say who gets which message, error or value.',
    bad: ['The caller is told why.'],
    good: ['The response contains the reason.', 'A stolen token.'],
  },
  {
    name: 'alone for only',
    pattern: String.raw`(?<!\blet |\bleave it |\bruns? |\bcolou?r )\balone\b`,
    hint: 'Write "only" before the noun.',
    bad: ['The window of the tier alone counts.', 'It is read by the owner alone.'],
    good: ['Only the owner can read it.', 'A standalone server.', 'The first request runs alone.'],
  },
  {
    name: 'stand',
    pattern: String.raw`\b(?:stands|stood)\b(?! for\b| out\b)|\bstand (?:in|on|at|under|there|beside|behind|within|between)\b`,
    hint: 'Use is, is listed, is written, occurs.',
    bad: ['The name stands in the address.', 'Words that stand in many messages.'],
    good: ['The name is in the address.', '`of` stands for the variables.', 'A long-standing issue.'],
  },
  {
    name: 'holds',
    pattern: String.raw`\bholds?\b(?! (?:the|a|an|its|this|that|one|no) (?:\w+ )?(?:locks?|mutex|lease|connection)\b| back\b| up\b)|\bheld\b(?! back\b)`,
    hint: 'Use has, contains, keeps, applies, is true.',
    bad: ['The scopes that a key holds.', 'What holds for all inputs.', 'Whatever is held was younger.'],
    good: [
      'A writer holds the write lock.',
      'Holds back requests while there is no room.',
      'The scopes that a key has.',
    ],
  },
  {
    name: 'counts',
    pattern: String.raw`\b(?:counts?|counted) (?:for nothing|no more|no longer)\b|\bno longer counts? (?:and|but)\b|\bcounts none\b`,
    hint: 'Say what happens: is ignored, has expired, is not included.',
    bad: ['What counts no more goes within a minute.'],
    good: ['Each entry counts for one more field.', 'Expired units no longer count.'],
  },
  {
    name: 'let in',
    pattern: String.raw`\b(?:is|are|be|was|were|been|gets?) let in\b|\blets? (?:nobody|anybody|him|her|them|its holder|no one) in\b`,
    hint: 'Use accept, allow, admit, authenticate.',
    bad: ['The key is let in.', 'It lets nobody in.'],
    good: ['The key is accepted.', 'Lets people choose.'],
  },
  {
    name: 'is none of',
    pattern: String.raw`(?<!\bthere )\b(?:is|are|was|were|be|been) none\b(?! of the\b)|\bnone of (?:ours|theirs|yours|its)\b`,
    hint: 'Name the noun: "is not a cursor", "is invalid".',
    bad: ['The cursor is none of ours.', 'A scope that is none.'],
    good: ['Null if there is none.', 'Invalid cursor.'],
  },
  {
    name: 'is no + noun',
    pattern: String.raw`(?<!\bthere )\b(?:is|are|was|were) no (?!longer|more|less|matter|better|worse|different|newer|older|exception|one\b)(?=\w)`,
    hint: 'Write "is not a …".',
    bad: ['The body is no JSON object.', 'The text is no scope.'],
    good: ['The key is no longer valid.', 'There is no default.', 'The body is not a JSON object.'],
  },
  {
    name: 'go on',
    pattern: String.raw`\b(?:go|goes|going|went|gone) on\b(?! (?:to|a|the|that|this)\b)`,
    hint: 'Use continue, keep, last.',
    bad: ['What held before goes on.'],
    good: ['The stream continues.', 'Labels go on the first line.'],
  },
  {
    name: 'possessive pronoun as a noun',
    pattern: String.raw`\bof (?:ours|theirs|yours|hers)\b|\b(?:one|two|it) of its own\b|\bof (?:the|a|an) [\w-]+['’]s(?=[.,;:)]|$| (?:is|are|was|that|own)\b)`,
    hint: 'Use an adjective or name the noun: "our key", "the operator\'s usage".',
    bad: ['Nothing is noted of the operator’s.', 'A word of the client’s own.', 'A token of ours.'],
    good: ['Operator usage is not recorded.', "The length of the window's name is fixed."],
  },
  {
    name: 'of its own',
    pattern: String.raw`\bof (?:its|your|our) own\b(?=[.,;:)]|$| (?:and|or|at|in|on|that|which|so|by)\b)`,
    hint: 'Write "its own …" or "a separate …".',
    bad: ['It has a limit of its own.', 'Use a name of your own, which is short.'],
    good: ['Use your own name.', 'It reads only keys of its own project.'],
  },
  {
    name: 'relative pronoun without a noun',
    pattern: String.raw`\bthat which\b|\b(?:of|for|to|by|from|with) whom\b|\bthose of whom\b|(?<!\b(?:one|some|each|all|most|both|none|many) )\bof which\b|\bthan what\b`,
    hint: 'Name the noun, or split the sentence.',
    bad: ['Invalidates those of whom this is true.', 'The largest unit of which it has two.'],
    good: ['The user who owns the key.', 'A key for which no owner is set.'],
  },
  {
    name: 'such as a pronoun',
    pattern: String.raw`(?<!\bas |\bno )\bsuch\b(?=[.,;:)]|$| (?:is|are|was|were|has|have|can|may|must|does|do)\b)`,
    hint: 'Name the noun.',
    bad: ['Where the tier has such, it is used.', 'Such is refused.'],
    good: ['Tools such as curl.', 'The option as such is valid.', 'In such a case, retry.'],
  },
  {
    name: 'the other as a noun',
    pattern: String.raw`\bthe others?(?=[.,;:)]|$)`,
    hint: 'Name the noun.',
    bad: ['One process reads and writes for the other.'],
    good: ['The other process waits.', 'The processes wait for each other.'],
  },
  {
    name: 'inverted start',
    pattern: String.raw`${START}(?:Nor|Of what|What has|Who is|Whose|Whoever|Where not|If not so|Not so|So (?:is|are|does|do|has)|Were (?:it|there|nothing|they)|Had (?:it|there|the))\b(?![^.]*\?)`,
    hint: 'Start with the subject.',
    bad: ['Nor do those records.', 'Where not, it is unknown.', 'Were nothing found, it would pass.'],
    good: [
      'Whose keys are these?',
      'So far nothing was read.',
      'Not supported.',
      'Where nothing is set, the default applies.',
    ],
  },
  {
    name: 'what-clause as the subject',
    pattern: String.raw`${START}(?:What|Who|Of what|By what|For what)\b(?! (?:if|changes|you|to|it (?:does|is))\b)(?=[^.?!:]{12,}\.)`,
    hint: 'Name the noun: "A part that …", "The caller that …".',
    bad: ['What cannot be understood is left out.', 'Who reads it must know.'],
    good: ['What changed?', 'Values that cannot be parsed are ignored.', 'What you need'],
  },
  {
    name: 'nobody as an object',
    pattern: String.raw`\b(?:is|are|by|for|to|of|holds? up|asked|meets?) nobody\b|\bnobody (?:about|decided|can tell)\b`,
    hint: 'Name the case: "anonymous requests", "nothing", "no caller".',
    bad: ['After this it cannot be shown again, by nobody.', 'No key is nobody.'],
    good: ['Nobody can read it afterwards.'],
  },
  {
    name: 'of no use',
    pattern: String.raw`\bis (?:of )?no use\b|\bof no use\b`,
    hint: 'Say what it does not do.',
    bad: ['Like `get`, which is no use.'],
    good: ['Nothing uses this value.'],
  },
  {
    name: 'is asked or answered',
    pattern: String.raw`\b(?:is|are|was|were|be|been) answered\b|\b(?:is|are|was|were|be) asked\b(?! (?:to|for)\b)|\basked for by\b|\basks? after\b`,
    hint: 'Use request and response: "returns 401", "receives a request".',
    bad: ['Tell what a key would be answered.', 'What the service is asked.'],
    good: ['The server responds with 401.', 'The user is asked to sign in.'],
  },
  {
    name: 'the answer is',
    pattern: String.raw`\b(?:the|an|its|no|each|every|first|last) answers?(?= (?:is|are|was|has|have|of|that|to|came|comes|may|from)\b|[.,;:]|$)`,
    hint: 'Use response, result or value.',
    bad: ['The answer is none of the API.', 'Rejects if there is no answer.'],
    good: ['The response has errors.'],
  },
  {
    name: 'asks for',
    pattern: String.raw`\b(?:it|that|which|document|operation|request|query|schema|rule|server) asks? (?:for|of|by|whether)\b`,
    hint: 'Use requests, requires, queries, selects.',
    bad: ['The fields that an operation asks for.'],
    good: ['The fields that an operation selects.', 'Asks for confirmation.'],
  },
  {
    name: 'in clear',
    pattern: String.raw`\bin (?:the )?clear\b(?! text)`,
    hint: 'Write "in plain text" or "over plain HTTP".',
    bad: ['A key that was sent in clear.'],
    good: ['A key that was sent over plain HTTP.'],
  },
  {
    name: 'some for about',
    pattern: String.raw`\bsome (?:\d|hundred|thousand|ten|twenty)`,
    hint: 'Write "about".',
    bad: ['A hash takes some 50 ms.'],
    good: ['A hash takes about 50 ms.', 'Some responses are retried.'],
  },
  {
    name: 'sees to it',
    pattern: String.raw`\bsees? to (?:it|that)\b`,
    hint: 'Write "ensures" or "makes sure".',
    bad: ['The option sees to that.'],
    good: ['The option ensures that.'],
  },
  {
    name: 'verb of speech with of',
    pattern: String.raw`\b(?:tells?|says?|said|speaks?|knows|hears?|heard|thinks?) of\b`,
    hint: 'Name the message, the value or the event.',
    bad: ['Which addresses failed is what it tells of.', 'A process that hears of the change.'],
    good: ['A message about the change.'],
  },
  {
    name: 'tells',
    pattern: String.raw`\btells? (?:how|what|when|which|whether|who|apart|them|one)\b|\btelling\b`,
    hint: 'Use shows, reports, distinguishes, or say which value contains it.',
    bad: ['The field tells when to come back.'],
    good: ['The field contains the time to wait.'],
  },
  {
    name: 'bears',
    pattern: String.raw`\bbears?\b(?! in mind)`,
    hint: 'Use has, contains or carries.',
    bad: ['Any part that may bear directives.'],
    good: ['A bearer token.'],
  },
  {
    name: 'may be made of',
    pattern: String.raw`\b(?:comes?|came|becomes?|became) of\b|\bmade up of\b|\bmade of\b`,
    hint: 'Use consists of, results from, happens to.',
    bad: ['What became of a request.', 'A role is made of scopes.'],
    good: ['A role consists of scopes.'],
  },
  {
    name: 'is to be',
    pattern: String.raw`\b(?:is|are|was|were) to (?:be|have|pass|end|fill|go|last)\b`,
    hint: 'Use must, should or will.',
    bad: ['The memory is not filled and is to be free.', 'Both are to pass.'],
    good: ['Both must pass.', 'The aim is to reduce memory.'],
  },
  {
    name: 'inverted condition',
    pattern: String.raw`(?<=[,;] )(?:were|had|be) (?:it|they|there|he)\b`,
    hint: 'Write "even if" or "if".',
    bad: ['It meets the rule, were it only for one field.'],
    good: ['It must meet the rule even for one field.'],
  },
  {
    name: 'by chance',
    pattern: String.raw`\bby chance\b`,
    hint: 'Write "randomly" or "accidentally".',
    bad: ['Each request is delayed by chance.'],
    good: ['Each request is delayed randomly.'],
  },
  {
    name: 'in words',
    pattern: String.raw`\bin words\b`,
    hint: 'Write "as text", or name the message.',
    bad: ['Returns the ceiling in words.'],
    good: ['Returns the ceiling as text.'],
  },
  {
    name: 'beyond doubt',
    pattern: String.raw`\bfor sure\b|\bfor certain\b|\bwithout doubt\b`,
    hint: 'Write "definitely", "always" or "never".',
    bad: ['It is unknown for sure.'],
    good: ['It is always unknown.'],
  },
  {
    name: 'own as a noun',
    pattern: String.raw`\bthe (?:\w+['’]s|caller's|server's|platform's) own\b(?=[.,;:)]|$| (?:and|or|is)\b)|\bof (?:one['’]s|another's) own\b`,
    hint: 'Name the noun after "own".',
    bad: ['The fetch is the platform’s own.'],
    good: ['The client uses the platform’s own fetch.'],
  },
];

const COMPILED = RULES.map((rule) => ({
  ...rule,
  regExp: new RegExp(rule.pattern.replaceAll(' ', String.raw`\s+`), 'giu'),
}));

export interface Hit {
  readonly rule: Rule;
  /** The line of the hit, from 0. */
  readonly line: number;
  readonly found: string;
}

/** Replaces everything that is not prose, without changing the number of lines. */
export function proseOf(text: string): string {
  const blank = (part: string): string => `CODE${part.replace(/[^\n]/g, '')}`;
  return text
    .replace(/``[^`]*``|`[^`]*`/g, blank)
    .replace(/\{@\w+[^}]*\}/g, blank)
    .replace(/https?:\/\/\S+/g, blank)
    .replace(/"[^"\n]*"|“[^”]*”/g, blank)
    .replace(/^[ \t]*@example[\s\S]*?(?=^[ \t]*@|$(?![\s\S]))/gm, blank)
    .replace(/@param \w+/g, blank);
}

/** Returns what the rules find in a text. */
export function hitsIn(text: string): Hit[] {
  const prose = proseOf(text);
  return COMPILED.flatMap((rule) =>
    [...prose.matchAll(rule.regExp)].map(({ index, 0: found }) => ({
      rule,
      line: prose.slice(0, index).split('\n').length - 1,
      found,
    })),
  );
}
