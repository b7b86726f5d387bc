/**
 * Continues with a value, at once if it is already known: the executor takes several times as long for a value that it
 * has to wait for.
 */
export function after<Value, Result>(
  value: Value | Promise<Value>,
  next: (value: Value) => Result,
): Result | Promise<Result> {
  return value instanceof Promise ? value.then(next) : next(value);
}
