/** Calls `then` with a value, now or when its promise is fulfilled. Returns a promise only in the second case. */
export function whenDone<Value, Result>(
  value: Value | Promise<Value>,
  then: (value: Value) => Result | Promise<Result>,
): Result | Promise<Result> {
  return value instanceof Promise ? value.then(then) : then(value);
}
