import { relative, whole } from './moments.js';
import { useNow } from './useNow.js';

/** A moment in the viewer's zone, with the exact one in UTC behind it. @param at as the API writes it */
export function Moment({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={at} className="number">
      {whole(Date.parse(at))}
    </time>
  );
}

/** How long ago, or how far ahead. */
export function Ago({ at }: { readonly at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={at} className="number">
      {relative(Date.parse(at), now)}
    </time>
  );
}
