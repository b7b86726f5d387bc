#!/usr/bin/env bash
# One request with curl: the answer, its status, and the seconds to wait where it says so. The query is without quotes.
#   API_KEY=<key> examples/workspace-scopes/request.sh '{ assets { name } }'
# The key is given on standard input, for what stands on a command line can be read by everybody on the machine.
set -eu
printf 'header = "Authorization: Bearer %s"\n' "$API_KEY" |
  curl -sS --config - -H 'Content-Type: application/json' \
    -w '\nstatus=%{http_code} retry-after=%header{retry-after}\n' \
    --data-raw "{\"query\": \"$1\"}" "${LATCHKEY_URL:-http://127.0.0.1:4000/graphql}"
