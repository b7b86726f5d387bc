/**
 * The nonce under which the page's policy lets in style elements, as the server wrote it into index.html. Browsers show it
 * as a property alone, so that no selector can read it out.
 */
export function styleNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce ?? '';
}

/** Under this name react-remove-scroll, in Mantine's dialogs, looks for the nonce of its own style element. */
export function tellNonce(): void {
  Object.assign(globalThis, { __webpack_nonce__: styleNonce() });
}
