#!/usr/bin/env bash
# Removes the cluster with this creation id, and no other. Environment: CLUSTER, OWNER, CREATION_ID.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# an assignment, not a condition: a Docker that does not answer must not pass for "deleted"
state=$(node_state)
if [ "$state" != absent ]; then
  id=$(stamped_id)
  [ "${id:-$(claimed id)}" = "$CREATION_ID" ] || exit 0
  remove_cluster
fi
if [ "$(claimed id)" = "$CREATION_ID" ]; then docker volume rm -f "$CLAIM" >/dev/null; fi
