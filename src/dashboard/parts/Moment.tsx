import { relative, whole } from './relativeTime.js';
import { useNow } from './useNow.js';

/** Shows a time in the viewer's time zone, with the exact time in UTC as a tooltip. @param at as the API writes it */
export function Moment({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={at} className="number">
      {whole(Date.parse(at))}
    </time>
  );
}

/** Shows how long ago a time was, or how long until it. */
export function Ago({ at }: { readonly at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={at} className="number">
      {relative(Date.parse(at), now)}
    </time>
  );
}
