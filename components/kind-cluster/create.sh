#!/usr/bin/env bash
# Makes the cluster, or finds that it is made, and prints its kubeconfig. Safe to run again after any interruption.
# Environment: CLUSTER, OWNER, CREATION_ID, PRELOAD_IMAGES (words). Standard input: kind's configuration.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
config=$(cat)

# kind removes what it could not finish; then nothing is claimed any more either.
abandon() {
  state=$(node_state)
  [ "$state" != absent ] || docker volume rm -f "$CLAIM" >/dev/null
  fail "kind could not make cluster \"$CLUSTER\"; its messages are above
fix: npm run doctor looks at Docker, ports and disk; then run the same command again"
}

# an assignment, not a condition: a Docker that does not answer ends the script here
state=$(node_state)
if [ "$state" != absent ]; then
  refuse_foreign
  id=$(stamped_id)
  if [ "$id" = "$CREATION_ID" ]; then
    start_nodes
    kind get kubeconfig --name "$CLUSTER"
    exit 0
  fi
  remove_cluster
fi

docker volume rm -f "$CLAIM" >/dev/null
docker volume create --label owner="$OWNER" --label id="$CREATION_ID" "$CLAIM" >/dev/null
# without --wait: ready.sh waits for the nodes, while objects that need none are made
printf '%s\n' "$config" | kind create cluster --quiet --name "$CLUSTER" --config - --kubeconfig "$KUBECONFIG_SCRATCH" \
  >&2 || abandon
if [ -n "${PRELOAD_IMAGES:-}" ]; then
  # shellcheck disable=SC2086 # one word an image
  kind load docker-image --quiet --name "$CLUSTER" $PRELOAD_IMAGES >&2
fi
printf '%s %s\n' "$OWNER" "$CREATION_ID" | docker exec -i "$NODE" sh -c "cat >$STAMP"
docker volume rm -f "$CLAIM" >/dev/null
cat "$KUBECONFIG_SCRATCH"
