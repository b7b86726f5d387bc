#!/usr/bin/env bash
# Runs a job from outside: notes that a table was synchronised. The key is that of a user who may do so.
#   API_KEY=<key> examples/user-keys/trigger-job.sh <table>
# The key is given on standard input, for what stands on a command line can be read by everybody on the machine.
set -eu
printf 'header = "Authorization: Api-Key %s"\n' "$API_KEY" |
  curl -sS --config - -H 'Content-Type: application/json' \
    -w '\nstatus=%{http_code}\n' \
    --data-raw "{\"query\": \"mutation (\$table: String!) { registerAsset(input: { name: \$table }) { name } recordLoad(input: { asset: \$table }) { freshness { lastLoadAt } } }\", \"variables\": {\"table\": \"$1\"}}" \
    "${LATCHKEY_URL:-http://127.0.0.1:4000/graphql}"
