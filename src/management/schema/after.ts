/**
 * Continues with a value, immediately if it is already available: the executor takes several times as long for a promise.
 */
export function after<Value, Result>(
  value: Value | Promise<Value>,
  next: (value: Value) => Result,
): Result | Promise<Result> {
  return value instanceof Promise ? value.then(next) : next(value);
}
