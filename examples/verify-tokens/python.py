"""A service that knows its callers by Latchkey's signed tokens, and never asks Latchkey about one.

    JWKS_URL=… ISSUER=… AUDIENCE=… PORT=8001 python3 examples/verify-tokens/python.py

It needs PyJWT with cryptography: the Debian packages python3-jwt and python3-cryptography, or pip install "pyjwt[crypto]".
"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt

# Caches the keys, and fetches them again for a key that it doesn't know.
KEYS = jwt.PyJWKClient(os.environ["JWKS_URL"])


def verify(token, typ):
    """Returns the claims of a token. Raises an error if it is invalid, expired, for another service or of another type."""
    if jwt.get_unverified_header(token).get("typ") != typ:
        raise jwt.InvalidTokenError("wrong type")
    key = KEYS.get_signing_key_from_jwt(token)
    return jwt.decode(
        token,
        key.key,
        algorithms=["EdDSA"],
        issuer=os.environ["ISSUER"],
        audience=os.environ["AUDIENCE"],
        options={"require": ["exp", "iss", "aud", "sub", "scope"]},
    )


def caller_of(headers):
    """The gateway sends Latchkey-Principal; browsers and workers send a derived token."""
    if "latchkey-principal" in headers:
        return verify(headers["latchkey-principal"], "latchkey-principal+jwt")
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise jwt.InvalidTokenError("no token")
    return verify(token, "latchkey-derived+jwt")


class Service(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            claims = caller_of(self.headers)
        except (jwt.PyJWTError, ValueError):
            return self.answer(401, {"error": "The token is missing or invalid."})
        if "read:orders" not in claims["scope"].split(" "):
            return self.answer(403, {"error": "The caller lacks read:orders."})
        return self.answer(200, {name: claims.get(name) for name in ("workspace", "key_id", "scope", "plan")})

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8001"))), Service)
print(f"Listening at http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
