#!/usr/bin/env bash
# The platform without Pulumi: kind, helm, kubectl, openssl, with the same charts, values, images and waits.
# shell-route.sh up FOLDER [side-by-side] | down   (FOLDER: made by bench/manifests.ts). Environment: CLUSTER.
# Plainly one step after the other; side-by-side does at once what the program's graph lets it do at once.
set -euo pipefail
kubeconfig=${TMPDIR:-/tmp}/$CLUSTER.kubeconfig
export KUBECONFIG=$kubeconfig
slim=$(dirname "$(realpath "$0")")/../components/istio-mesh/slim-crds.awk

# shellcheck disable=SC2046 # a chart may come with options
up() {
  local work begun=() at_once=${2:-}
  cd "$1"
  work=$(umask 077 && mktemp -d)
  begin certificates "$work"
  kind create cluster --quiet --name "$CLUSTER" --config kind.yaml
  begin kubectl wait --for=condition=Ready node --all --timeout=120s
  docker exec "$CLUSTER-control-plane" sh -c 'echo 8192 >/proc/sys/fs/inotify/max_user_instances'
  kubectl -n kube-system patch deployment/coredns --patch '{"spec": {"replicas": 1, "template": {"spec": {"containers":
    [{"name": "coredns", "readinessProbe": {"periodSeconds": 1, "failureThreshold": 30}}]}}}}' >/dev/null
  helm install istio-base $(cat base.chart) --create-namespace -n istio-system -f base.yaml \
    --post-renderer awk --post-renderer-args -f --post-renderer-args "$slim" >/dev/null
  helm install istiod $(cat istiod.chart) -n istio-system -f istiod.yaml --wait >/dev/null
  begin helm install istio-ingressgateway $(cat gateway.chart) -n istio-system -f gateway.yaml --wait
  [ -z "$at_once" ] || wait "${begun[0]}" # the certificates
  kubectl -n istio-system create secret generic edge-tls \
    --from-file=tls.key="$work/server.key" --from-file=tls.crt="$work/server.crt" >/dev/null
  until kubectl apply -f mesh.yaml >/dev/null 2>"$work/refused"; do sleep 0.3; done
  kubectl apply -f bank.yaml >/dev/null
  kubectl -n bank wait --for=condition=Available deployment --all --timeout=600s >/dev/null
  for job in "${begun[@]}"; do wait "$job"; done
  rm -rf "$work"
}

begin() { # begin COMMAND...: done before the next step, or beside it
  if [ -z "$at_once" ]; then
    "$@" >/dev/null
  else
    "$@" >/dev/null &
    begun+=($!)
  fi
}

certificates() (
  cd "$1"
  openssl req -x509 -newkey rsa:2048 -sha256 -nodes -days 3650 -keyout root.key -out root.crt -subj /CN=demo-root
  for leaf in server:app.local:serverAuth client:ext-client:clientAuth; do
    IFS=: read -r role name use <<<"$leaf"
    openssl req -newkey rsa:2048 -nodes -keyout "$role.key" -out "$role.csr" -subj "/CN=$name"
    openssl x509 -req -in "$role.csr" -CA root.crt -CAkey root.key -CAcreateserial -out "$role.crt" -days 365 \
      -extfile <(printf 'subjectAltName=DNS:%s\nextendedKeyUsage=%s' "$name" "$use")
  done
) >/dev/null 2>&1

down() {
  kind delete cluster --quiet --name "$CLUSTER"
  rm -f "$kubeconfig"
}

"$@"
