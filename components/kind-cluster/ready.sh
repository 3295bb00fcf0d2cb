#!/usr/bin/env bash
# Waits until every node is Ready. Before that, one CoreDNS instead of two, and inotify instances for many pods.
# Safe to run again. Environment: CLUSTER.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

raise_inotify_instances
# One CoreDNS is enough for one machine; the second costs 100m of CPU.
in_cluster --namespace kube-system scale deployment/coredns --replicas 1 >/dev/null
in_cluster wait --for=condition=Ready node --all --timeout=120s >/dev/null ||
  fail "cluster \"$CLUSTER\" is made, but not every node is Ready after 120 s
fix: docker exec $NODE kubectl describe nodes, which says why; then run the same command again"
