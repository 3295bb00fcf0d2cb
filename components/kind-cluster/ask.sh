#!/usr/bin/env bash
# Prints the creation id of the living cluster if it is this stack's and of today's configuration, else a fresh one.
# Runs in previews too. Environment: CLUSTER, OWNER, CONFIG_HASH.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

state=$(node_state)
if [ "$state" = absent ]; then
  fresh_id
  exit 0
fi
refuse_foreign
id=$(stamped_id)
case "$id" in
  *-"$CONFIG_HASH") ;;
  *)
    # it will be replaced as it is, running or not
    fresh_id
    exit 0
    ;;
esac
start_nodes
printf '%s\n' "$id"
