#!/usr/bin/env bash
# ask.sh who         prints the UID of the cluster, after it made sure that nothing of others is in the way
# ask.sh kubeconfig  prints the kubeconfig of the one context
# Environment: KUBECONTEXT, OWNER, NAMESPACES and ADOPT (words). Uses the user's own kubeconfig.
set -euo pipefail

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}
kube() { kubectl --context "$KUBECONTEXT" --request-timeout 20s "$@"; }
adopts() { case " $ADOPT " in *" $1 "*) return 0 ;; *) return 1 ;; esac }

kubectl config get-contexts "$KUBECONTEXT" >/dev/null 2>&1 ||
  fail "there is no kubeconfig context \"$KUBECONTEXT\"; there are: $(kubectl config get-contexts -o name | tr '\n' ' ')
fix: pulumi config set context <name>"
if [ "$1" = kubeconfig ]; then
  exec kubectl --context "$KUBECONTEXT" config view --minify --flatten
fi

uid=$(kube get namespace kube-system -o 'jsonpath={.metadata.uid}' 2>&1) ||
  fail "the cluster of context \"$KUBECONTEXT\" does not answer: $uid
fix: start it, or pulumi config set context <another>"

problems=""
for namespace in $NAMESPACES; do
  found=$(kube get namespace "$namespace" --ignore-not-found \
    -o 'jsonpath={.metadata.name} {.metadata.annotations.bankmesh/owner}')
  if [ -z "$found" ]; then
    if adopts namespaces || adopts "$namespace"; then problems="$problems
  namespace $namespace is to be adopted, and is not there"; fi
    continue
  fi
  [ "${found#* }" = "$OWNER" ] && continue
  if adopts namespaces || adopts "$namespace"; then continue; fi
  [ "$namespace" = istio-system ] && adopts istio && continue
  problems="$problems
  namespace $namespace"
done
if ! adopts istio; then
  others=$(kube get deployment --all-namespaces --selector app=istiod \
    -o 'jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name}{"\n"}{end}')
  mine=$(kube get namespace istio-system --ignore-not-found -o 'jsonpath={.metadata.annotations.bankmesh/owner}')
  for istiod in $others; do
    case "$istiod" in istio-system/*) [ "$mine" = "$OWNER" ] && continue ;; esac
    problems="$problems
  Istio: deployment $istiod"
  done
  if [ -z "$others" ] && [ "$mine" != "$OWNER" ]; then
    crd=$(kube get customresourcedefinition gateways.networking.istio.io --ignore-not-found -o name)
    [ -z "$crd" ] || problems="$problems
  Istio: its CustomResourceDefinitions (*.istio.io)"
  fi
fi
[ -z "$problems" ] || fail "the cluster of context \"$KUBECONTEXT\" holds what this stack did not make; nothing was touched:$problems
fix: remove it, or use it: pulumi config set --path 'adopt[0]' <namespace> (or istio), or choose another namespace"
printf '%s\n' "$uid"
