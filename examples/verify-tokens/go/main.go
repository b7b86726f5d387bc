// A service that knows its callers by Latchkey's signed tokens, and never asks Latchkey about one.
//
//	JWKS_URL=… ISSUER=… AUDIENCE=… PORT=8001 go run .
package main

import (
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

type claims struct {
	jwt.RegisteredClaims
	Workspace string `json:"workspace"`
	KeyID     string `json:"key_id"`
	Scope     string `json:"scope"`
	Plan      string `json:"plan"`
}

// verify returns the claims of a token, or an error if it is invalid, expired, for another service or of another type.
func verify(keys keyfunc.Keyfunc, token, typ string) (*claims, error) {
	var found claims
	parsed, err := jwt.ParseWithClaims(token, &found, keys.Keyfunc,
		jwt.WithValidMethods([]string{"EdDSA"}),
		jwt.WithIssuer(os.Getenv("ISSUER")),
		jwt.WithAudience(os.Getenv("AUDIENCE")),
		jwt.WithExpirationRequired(),
	)
	if err != nil {
		return nil, err
	}
	if parsed.Header["typ"] != typ {
		return nil, errors.New("wrong type")
	}
	return &found, nil
}

// callerOf reads Latchkey-Principal, which the gateway sends, or a derived token, which browsers and workers send.
func callerOf(keys keyfunc.Keyfunc, header http.Header) (*claims, error) {
	if principal := header.Get("Latchkey-Principal"); principal != "" {
		return verify(keys, principal, "latchkey-principal+jwt")
	}
	scheme, token, _ := strings.Cut(header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, errors.New("no token")
	}
	return verify(keys, token, "latchkey-derived+jwt")
}

func main() {
	// Caches the keys, and fetches them again for a key that it doesn't know.
	keys, err := keyfunc.NewDefault([]string{os.Getenv("JWKS_URL")})
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		caller, err := callerOf(keys, r.Header)
		if err != nil {
			http.Error(w, `{"error":"The token is missing or invalid."}`, http.StatusUnauthorized)
			return
		}
		if !slices.Contains(strings.Split(caller.Scope, " "), "read:orders") {
			http.Error(w, `{"error":"The caller lacks read:orders."}`, http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{
			"workspace": caller.Workspace, "key_id": caller.KeyID, "scope": caller.Scope, "plan": caller.Plan,
		})
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
