#!/usr/bin/env bash
# Waits until every node is Ready. Before that, CoreDNS is made to suit one machine, and inotify instances many pods.
# Safe to run again. Environment: CLUSTER.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

raise_inotify_instances
# One CoreDNS is enough for one machine; the second costs 100m of CPU. It is asked every second whether it is ready: a
# young kubelet puts the first question off by up to a period, ten seconds, and a proxy that asks for istiod's address
# meanwhile waits five seconds for nothing. As before, it is taken out after thirty seconds without an answer.
asked='{"name": "coredns", "readinessProbe": {"periodSeconds": 1, "failureThreshold": 30}}'
in_cluster --namespace kube-system patch deployment/coredns \
  --patch "{\"spec\": {\"replicas\": 1, \"template\": {\"spec\": {\"containers\": [$asked]}}}}" >/dev/null
in_cluster wait --for=condition=Ready node --all --timeout=120s >/dev/null ||
  fail "cluster \"$CLUSTER\" is made, but not every node is Ready after 120 s
fix: docker exec $NODE kubectl describe nodes, which says why; then run the same command again"
