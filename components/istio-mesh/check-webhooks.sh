#!/usr/bin/env bash
# Waits until istiod refuses a Gateway that is not valid: from then on every wrong object is refused.
# Standard input: a kubeconfig; its current context is asked.
set -euo pipefail
kubeconfig=$(umask 077 && mktemp -t bankmesh-kubeconfig.XXXXXX)
trap 'rm -f "$kubeconfig"' EXIT
cat >"$kubeconfig"

# Unlabelled, so that it goes to the default validator, as the program's own objects do.
invalid='{"apiVersion":"networking.istio.io/v1","kind":"Gateway","metadata":{"name":"webhook-check","namespace":"default"},"spec":{"servers":[{"port":{"number":80,"name":"http","protocol":"NO-SUCH-PROTOCOL"},"hosts":["check.local"]}]}}'
end=$((SECONDS + 60))
while :; do
  answer=$(printf '%s' "$invalid" | kubectl --kubeconfig "$kubeconfig" \
    apply --server-side --dry-run=server --request-timeout 10s -f - 2>&1) || true
  case "$answer" in
    *'validation.istio.io'*'denied the request'*) exit 0 ;;
  esac
  if [ $SECONDS -ge $end ]; then
    printf 'istiod does not check objects after 60 s; the last answer was:\n%s\nfix: kubectl -n istio-system logs deploy/istiod\n' "$answer" >&2
    exit 1
  fi
  sleep 0.3
done
