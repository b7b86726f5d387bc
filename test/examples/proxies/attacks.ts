/** Requests with bytes that proxies and servers have interpreted differently. `Bearer KEY` gets a token. */
export const SMUGGLED: Readonly<Record<string, string>> = {
  'Content-Length before Transfer-Encoding':
    'POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\nContent-Length: 44\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\nX: x\r\n\r\n',
  'Transfer-Encoding before Content-Length':
    'POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n1e\r\nGET /smuggled HTTP/1.1\r\nX: x\r\n\r\n0\r\n\r\n',
  'a space before the colon':
    'POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\nContent-Length: 44\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\nX: x\r\n\r\n',
  'an unknown coding':
    'POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\nContent-Length: 44\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\nX: x\r\n\r\n',
  'Transfer-Encoding twice':
    'POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n',
  'two lengths':
    'POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\nContent-Length: 0\r\nContent-Length: 39\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\nX: x\r\n\r\n',
  'a length with a sign':
    'POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\nContent-Length: +0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n',
  'a bare line feed in a value':
    'GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\nX: x\nLatchkey-Principal: forged\r\n\r\n',
  'a folded line':
    'GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\nX: x\r\n Latchkey-Principal: forged\r\n\r\n',
  'a chunk extension':
    'POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\nTransfer-Encoding: chunked\r\n\r\n0;x=\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n',
  'principals in the trailer':
    'POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\nTransfer-Encoding: chunked\r\nTrailer: Latchkey-Principal\r\n\r\n0\r\nLatchkey-Principal: forged\r\n\r\n',
  'hop-by-hop fields that name the principal':
    'GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\nConnection: close, Latchkey-Principal, Authorization, X-Forwarded-For\r\n\r\n',
  'an absolute target': 'GET http://127.0.0.1/v1/auth?scope= HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\n\r\n',
};
