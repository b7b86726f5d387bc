#!/usr/bin/env bash
# Sends a request with curl, and prints the response, its status, and Retry-After if there is one. The query must not contain quotes.
#   API_KEY=<key> examples/workspace-scopes/request.sh '{ assets { name } }'
# curl reads the key from standard input, because anyone on the machine can read the arguments of a command.
set -eu
printf 'header = "Authorization: Bearer %s"\n' "$API_KEY" |
  curl -sS --config - -H 'Content-Type: application/json' \
    -w '\nstatus=%{http_code} retry-after=%header{retry-after}\n' \
    --data-raw "{\"query\": \"$1\"}" "${LATCHKEY_URL:-http://127.0.0.1:4000/graphql}"
