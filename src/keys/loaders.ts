import DataLoader from 'dataloader';
import type { ActorContext } from './actor.js';

/** Reads what several resolvers of one request ask for in the same turn. Null: there is no such thing. */
export type Gathered<Subject, Value> = (context: ActorContext, subject: Subject) => Promise<Value | null>;

/**
 * Gathers what the resolvers of one request ask for at once, so that a page of keys reads all its users in one read, under
 * any number of aliases. Nothing is remembered: of several mutations in one request a later one may change what an
 * earlier one was told.
 *
 * @param read one read of everything asked for, each subject once. Returns values by the subjects' names
 * @param nameOf what two subjects that are the same have in common. Default: the subject as a string
 */
export function gathering<Subject, Value>(
  read: (context: ActorContext, subjects: readonly Subject[]) => Promise<ReadonlyMap<string, Value>>,
  nameOf: (subject: Subject) => string = String,
): Gathered<Subject, Value> {
  // By the context object, which lives as long as its request does: what is read for one caller is never shown to another.
  const loaders = new WeakMap<ActorContext, DataLoader<Subject, Value | null>>();
  const loaderFor = (context: ActorContext) =>
    new DataLoader<Subject, Value | null>(
      async (subjects) => {
        const unique = new Map(subjects.map((subject) => [nameOf(subject), subject]));
        const found = await read(context, [...unique.values()]);
        return subjects.map((subject) => found.get(nameOf(subject)) ?? null);
      },
      { cache: false },
    );
  return (context, subject) => {
    let loader = loaders.get(context);
    if (loader === undefined) loaders.set(context, (loader = loaderFor(context)));
    return loader.load(subject);
  };
}
