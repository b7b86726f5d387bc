import type { Choose } from './documents.js';

const TYPES = ['In0', 'In1', 'In2'];

/** Input types that contain each other, with rules on some fields. The scopes are the coordinates, so each rule differs. */
export function randomInputSdl(choose: Choose): string {
  const auth = (name: string): string => (choose(3) === 0 ? `@auth(scope: "read:${name.toLowerCase()}")` : '');
  const wrapped = (type: string): string => [type, `[${type}]`, `[[${type}!]]`][choose(3)] ?? type;
  const inputs = TYPES.map((type) => {
    const inner = ['a', 'b'].map((name) => {
      const target = TYPES[choose(TYPES.length)] ?? 'In0';
      const preset = choose(4) === 0 ? '= null' : '';
      return `${name}: ${wrapped(target)} ${preset} ${auth(`${type}.${name}`)}`;
    });
    // A default that no request of this test gives.
    const leaf = `leaf: Int ${choose(2) === 0 ? '= 77' : ''} ${auth(`${type}.leaf`)}`;
    return `input ${type} { ${inner.join(' ')} ${leaf} }`;
  });
  const args = ['x', 'y'].map((name) => {
    const preset = choose(3) === 0 ? '= { leaf: 77 }' : '';
    return `${name}: ${wrapped(TYPES[choose(TYPES.length)] ?? 'In0')} ${preset} ${auth(`q.${name}`)}`;
  });
  return `${inputs.join('\n')} type Query { q(${args.join(' ')} n: Int ${auth('q.n')}): Int @public }`;
}
