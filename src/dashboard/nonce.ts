/**
 * The nonce that the page's policy requires of style elements, as the server wrote it into index.html. Browsers show it only as a
 * property, so that no CSS selector can read it.
 */
export function styleNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce ?? '';
}

/** The name under which react-remove-scroll, which Mantine's dialogs use, looks for the nonce of its style element. */
export function tellNonce(): void {
  Object.assign(globalThis, { __webpack_nonce__: styleNonce() });
}
