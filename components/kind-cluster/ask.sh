#!/usr/bin/env bash
# Prints the creation id of the living cluster if it is this stack's and of today's configuration, else a fresh one.
# Runs in previews too. Environment: CLUSTER, OWNER, CONFIG_HASH.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

case "$(node_state)" in
  absent) fresh_id ;;
  running) ;;
  *) start_nodes ;;
esac
if [ "$(node_state)" = absent ]; then exit 0; fi

refuse_foreign
id=$(stamped_id)
case "$id" in
  *-"$CONFIG_HASH") printf '%s\n' "$id" ;;
  *) fresh_id ;;
esac
