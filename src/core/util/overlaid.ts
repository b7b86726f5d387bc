/**
 * Returns `target` with some properties replaced. A spread would lose the methods of a class instance. A proxy of the target
 * itself could not replace the properties of a frozen object.
 */
export function overlaid<T extends object>(target: T, replaced: Partial<T>): T {
  return new Proxy({} as T, {
    get(_, name) {
      if (Object.hasOwn(replaced, name)) return replaced[name as keyof T];
      const method: unknown = Reflect.get(target, name);
      return typeof method === 'function' ? (method.bind(target) as unknown) : method;
    },
  });
}
