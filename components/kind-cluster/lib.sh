# Shared by ask.sh, create.sh and delete.sh; sourced. Needs docker and kind on PATH.
# shellcheck shell=bash
NODE="$CLUSTER-control-plane"
STAMP=/kind/bankmesh-creation
# Says whose a half-made cluster is: made before the cluster, removed when the node carries its stamp.
CLAIM="bankmesh-$CLUSTER"

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# "absent" is an answer of Docker's, never the lack of one.
node_state() {
  local out
  if out=$(docker container inspect --format '{{.State.Status}}' "$NODE" 2>&1); then
    printf '%s\n' "$out"
  elif printf '%s' "$out" | grep -qi 'no such container'; then
    echo absent
  else
    fail "Docker does not answer, so nobody can say whether cluster \"$CLUSTER\" lives: $out
fix: start Docker (npm run doctor says how), then run the same command again"
  fi
}

fresh_id() {
  printf '%s-%s\n' "$(cat /proc/sys/kernel/random/uuid 2>/dev/null || uuidgen)" "$CONFIG_HASH"
}

# The stamp holds "<owner> <creation id>"; docker cp reads it from a stopped node as well.
stamp() {
  docker cp "$NODE:$STAMP" - 2>/dev/null | tar -xOf - 2>/dev/null || true
}
stamped_id() { stamp | cut -d' ' -f2; }

claimed() { # claimed LABEL
  docker volume inspect --format "{{index .Labels \"$1\"}}" "$CLAIM" 2>/dev/null || true
}

owner_of_cluster() {
  local owner
  owner=$(stamp | cut -d' ' -f1)
  printf '%s\n' "${owner:-$(claimed owner)}"
}

refuse_foreign() {
  [ "$(owner_of_cluster)" = "$OWNER" ] && return
  fail "a kind cluster \"$CLUSTER\" exists that this stack's state does not know; nothing was touched
fix: delete it (kind delete cluster --name $CLUSTER), or use the state that made it, or give this stack another name:
     pulumi config set clusterName <name>"
}

start_nodes() {
  docker ps -aq --filter "label=io.x-k8s.kind.cluster=$CLUSTER" | xargs -r docker start >/dev/null
  local end=$((SECONDS + 120))
  until docker exec "$NODE" kubectl --kubeconfig /etc/kubernetes/admin.conf get --raw /readyz >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || fail "cluster \"$CLUSTER\" was stopped and does not come up within 120 s
fix: look at docker logs $NODE, or delete it (kind delete cluster --name $CLUSTER) and run again"
    sleep 0.5
  done
}

remove_cluster() {
  kind delete cluster --quiet --name "$CLUSTER" --kubeconfig "$KUBECONFIG_SCRATCH"
}

# kind wants a kubeconfig to write to; the user's own stays untouched.
KUBECONFIG_SCRATCH=$(umask 077 && mktemp -t bankmesh-kubeconfig.XXXXXX)
trap 'rm -f "$KUBECONFIG_SCRATCH" "$KUBECONFIG_SCRATCH.lock"' EXIT
