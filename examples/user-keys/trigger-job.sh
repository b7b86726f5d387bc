#!/usr/bin/env bash
# Runs a job from another system: records that a table was synchronised. The key belongs to a user with permission to do so.
#   API_KEY=<key> examples/user-keys/trigger-job.sh <table>
# curl reads the key from standard input, because anyone on the machine can read the arguments of a command.
set -eu
printf 'header = "Authorization: Api-Key %s"\n' "$API_KEY" |
  curl -sS --config - -H 'Content-Type: application/json' \
    -w '\nstatus=%{http_code}\n' \
    --data-raw "{\"query\": \"mutation (\$table: String!) { registerAsset(input: { name: \$table }) { name } recordLoad(input: { asset: \$table }) { freshness { lastLoadAt } } }\", \"variables\": {\"table\": \"$1\"}}" \
    "${LATCHKEY_URL:-http://127.0.0.1:4000/graphql}"
