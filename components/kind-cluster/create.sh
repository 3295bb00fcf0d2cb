#!/usr/bin/env bash
# Makes the cluster, or finds that it is made, and prints its kubeconfig. Safe to run again after any interruption.
# Environment: CLUSTER, OWNER, CREATION_ID, PRELOAD_IMAGES (one a line). Standard input: kind's configuration.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
config=$(cat)

if [ "$(node_state)" != absent ]; then
  refuse_foreign
  if [ "$(stamped_id)" = "$CREATION_ID" ]; then
    [ "$(node_state)" = running ] || start_nodes
    kind get kubeconfig --name "$CLUSTER"
    exit 0
  fi
  remove_cluster
fi

docker volume rm -f "$CLAIM" >/dev/null
docker volume create --label owner="$OWNER" --label id="$CREATION_ID" "$CLAIM" >/dev/null
printf '%s\n' "$config" | kind create cluster --quiet --name "$CLUSTER" --config - --wait 120s \
  --kubeconfig "$KUBECONFIG_SCRATCH" >&2
if [ -n "${PRELOAD_IMAGES:-}" ]; then
  # shellcheck disable=SC2086 # one word an image
  kind load docker-image --quiet --name "$CLUSTER" $PRELOAD_IMAGES >&2
fi
# One CoreDNS is enough for one machine; the second costs 100m of CPU.
docker exec "$NODE" kubectl --kubeconfig /etc/kubernetes/admin.conf --namespace kube-system \
  scale deployment/coredns --replicas 1 >/dev/null
printf '%s %s\n' "$OWNER" "$CREATION_ID" | docker exec -i "$NODE" sh -c "cat >$STAMP"
docker volume rm -f "$CLAIM" >/dev/null
cat "$KUBECONFIG_SCRATCH"
