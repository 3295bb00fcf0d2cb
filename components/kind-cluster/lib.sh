# Shared by the scripts beside it; sourced. Needs docker and kind on PATH.
# shellcheck shell=bash
NODE="$CLUSTER-control-plane"
STAMP=/kind/bankmesh-creation
# Says whose a half-made cluster is: made before the cluster, removed when the node carries its stamp.
CLAIM="bankmesh-$CLUSTER"

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

in_cluster() { # in_cluster KUBECTL-ARGUMENT...
  docker exec "$NODE" kubectl --kubeconfig /etc/kubernetes/admin.conf "$@"
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

# The stamp holds "<owner> <creation id>"; docker cp reads it from a stopped node as well. "None" is an answer of
# Docker's here too.
stamp() {
  local said
  if said=$(docker cp "$NODE:$STAMP" "$KUBECONFIG_SCRATCH.stamp" 2>&1); then
    cat "$KUBECONFIG_SCRATCH.stamp"
  elif ! printf '%s' "$said" | grep -qiE 'could not find the file|no such container:path|no such file'; then
    fail "Docker does not say whose cluster \"$CLUSTER\" is: $said
fix: run the same command again; docker cp $NODE:$STAMP - has to work"
  fi
}
stamped_id() { stamp | cut -d' ' -f2; }

claimed() { # claimed LABEL
  docker volume inspect --format "{{index .Labels \"$1\"}}" "$CLAIM" 2>/dev/null || true
}

owner_of_cluster() {
  local owner
  owner=$(stamp | cut -d' ' -f1) || exit 1
  printf '%s\n' "${owner:-$(claimed owner)}"
}

refuse_foreign() {
  local owner
  owner=$(owner_of_cluster)
  [ "$owner" = "$OWNER" ] && return
  fail "a kind cluster \"$CLUSTER\" exists that this stack's state does not know; nothing was touched
fix: delete it (kind delete cluster --name $CLUSTER), or use the state that made it, or give this stack another name:
     pulumi config set clusterName <name>"
}

nodes_with() { # nodes_with STATUS...
  docker ps -aq --filter "label=io.x-k8s.kind.cluster=$CLUSTER" "${@/#/--filter=status=}"
}

# Starts nodes that were stopped, and lets paused ones go on, until the cluster's pods run again.
start_nodes() {
  local end=$((SECONDS + 120)) paused stopped since
  paused=$(nodes_with paused)
  stopped=$(nodes_with exited created)
  [ -n "$paused$stopped" ] || return 0
  # shellcheck disable=SC2086 # one word a node
  [ -z "$paused" ] || docker unpause $paused >/dev/null
  # shellcheck disable=SC2086
  [ -z "$stopped" ] || docker start $stopped >/dev/null
  raise_inotify_instances
  since=$(docker container inspect --format '{{.State.StartedAt}}' "$NODE")
  until in_cluster get --raw /readyz >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || fail "cluster \"$CLUSTER\" was stopped and does not come up within 120 s
fix: look at docker logs $NODE, or delete it (kind delete cluster --name $CLUSTER) and run again"
    sleep 0.5
  done
  # a pod that was broken before must not hold the run up for ever
  until pods_run "${since%%.*}" || [ $SECONDS -ge $end ]; do sleep 0.5; done
  sleep 2 # kube-proxy gathers changed addresses for a second before it writes them
}

# Each sidecar takes two inotify instances of the host's root user, and 128, the kernel's default, are used up by some
# forty pods: then proxies end with "couldn't initialize inotify: too many open files" (kind's known issues).
raise_inotify_instances() {
  local enough=8192 now
  now=$(docker exec "$NODE" cat /proc/sys/fs/inotify/max_user_instances)
  [ "$now" -lt "$enough" ] || return 0
  docker exec "$NODE" sh -c "echo $enough >/proc/sys/fs/inotify/max_user_instances"
  echo "raised fs.inotify.max_user_instances of this machine from $now to $enough, until it restarts: pods need them" >&2
}

# Whether every pod's containers run and are ready. For a while the API server still shows how things were before the
# stop, so only what started since then counts.
pods_run() { # pods_run SINCE, in UTC to the second
  in_cluster get pods --all-namespaces \
    --field-selector status.phase!=Succeeded --output jsonpath='{range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{range .status.containerStatuses[*]} {.state.running.startedAt}{end}{"\n"}{end}' |
    awk -v since="$1" '$1 != "True" { waiting = 1 } { for (i = 2; i <= NF; i++) if ($i < since) waiting = 1 } END { exit waiting }'
}

remove_cluster() {
  kind delete cluster --quiet --name "$CLUSTER" --kubeconfig "$KUBECONFIG_SCRATCH"
}

# kind wants a kubeconfig to write to; the user's own stays untouched.
KUBECONFIG_SCRATCH=$(umask 077 && mktemp -t bankmesh-kubeconfig.XXXXXX)
trap 'rm -f "$KUBECONFIG_SCRATCH" "$KUBECONFIG_SCRATCH".*' EXIT
