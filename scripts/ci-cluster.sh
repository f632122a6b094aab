#!/usr/bin/env bash
# The part of .ci/run that needs a Kubernetes: jobs, attacks and faults on a cluster, a real S3 server and IPFS node, the
# images, Compose and the manifests. Exit code 0 when all of it held, or when no cluster is to be had here.
#   scripts/ci-cluster.sh build    only makes the cluster's programs: minutes, which may pass beside other tests
#   scripts/ci-cluster.sh
# C2D_TESTBED (../shared/kube-testbed) is a folder with the programs build, up, base-images, stores, down, which make a
# cluster on this machine that may be attacked and hurt. Who names it wants it: without it this then fails.
# C2D_TEST_FIRST_STARTS (40) is of docs/security.md.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
logs=$(mktemp -d)
say() { echo "cluster: $*"; }
without() {
  say "NOT TESTED ON KUBERNETES: $*"
  [ -z "${C2D_TESTBED:-}" ]
  exit
}

testbed=$(cd "${C2D_TESTBED:-../shared/kube-testbed}" 2>/dev/null && pwd) ||
  without "there is no ${C2D_TESTBED:-../shared/kube-testbed} (C2D_TESTBED)"
if [ "${1:-}" = build ]; then
  exec timeout 45m nice -n 19 "$testbed/build" --all # timeout: whoever ends this ends what it started
fi

own=yes
state=${TESTBED_HOME:-$HOME/.cache/kube-testbed} # where the test bed keeps a cluster's life, and its programs
if "$state/bin/kubectl" --kubeconfig "$state/run/kubeconfig" get --raw /readyz >/dev/null 2>&1; then own=no; fi
leave() {
  [ "$own" = yes ] || return 0 # somebody else's: neither hurt nor stopped
  "$testbed/stores" down >/dev/null 2>&1
  "$testbed/down" >/dev/null 2>&1
}
trap leave EXIT
trap 'exit 130' INT TERM

# get NAME COMMAND...: what a program of the test bed prints; its complaints are kept
get() { timeout 20m "${@:2}" 2>"$logs/$1.log" || { tail -5 "$logs/$1.log" >&2; return 1; }; }
get build "$testbed/build" --all >/dev/null || without 'its programs could not be built'
cluster=$(get up "$testbed/up") || without 'it did not start'
eval "$cluster"
get base-images "$testbed/base-images" >/dev/null || without 'the base images could not be made'
stores=$(get stores "$testbed/stores" up) || without 'the S3 server and the IPFS node did not start'
eval "$stores"

failed=() unstable=()
# Whatever of a cluster of our own did not survive the step before: tests kill its programs, and some follow later.
heal() { [ "$own" = no ] || get up "$testbed/up" >/dev/null; }
step() { # TITLE MINUTES COMMAND...
  local title=$1 minutes=$2 since=$SECONDS; shift 2
  printf '\n── %s\n' "$title"
  heal
  if timeout --kill-after=60 "${minutes}m" "$@"; then
    echo "── $title: good, $((SECONDS - since)) s"
  else
    echo "── $title: FAILED, $((SECONDS - since)) s"
    failed+=("$title")
    return 1
  fi
}
# Once more where it failed, as `npm test -- --again` does with its files: what then holds is named as unstable.
step_again() {
  step "$@" && return
  unset 'failed[-1]'
  step "$@" && unstable+=("$1")
}

export C2D_TEST_KUBECONFIG=$KUBECONFIG C2D_TEST_FIRST_STARTS=${C2D_TEST_FIRST_STARTS:-40}
C2D_TEST_NODE_ADDRESS=$(kubectl get nodes -o jsonpath='{.items[0].status.addresses[?(@.type=="InternalIP")].address}')
export C2D_TEST_NODE_ADDRESS
run=$(dirname "$KUBECONFIG")
if [ -f "$run/decoy.jsonl" ]; then export C2D_TEST_DECOY=$run/decoy.jsonl; fi
if kubectl get runtimeclass gvisor >/dev/null 2>&1; then
  export C2D_TEST_RUNTIME_CLASSES=gvisor C2D_TEST_RUNTIMES_WITHOUT_CGROUPS=gvisor
fi
if [ "$own" = yes ]; then
  export C2D_TEST_KUBECONFIG_FAULTS=1 C2D_TEST_POLICY_PID_FILE=$run/network-policy.pid C2D_TEST_HEAL=$testbed/up
  for program in apiserver kubelet etcd; do
    export "C2D_TEST_KILL_${program^^}=kill -9 \$(cat $run/$program.pid)"
  done
fi
say "$([ "$own" = yes ] && echo 'our own' || echo "somebody's, so nothing hurts it"), its node at $C2D_TEST_NODE_ADDRESS"

mapfile -t on_stores < <(grep -rlE 'S3_TEST_ENDPOINT|IPFS_TEST_API|startS3Server|support/(s3-server|publishing-pod)|/data-plane' \
  --include='*.test.ts' --exclude='ci-cluster*' {apps,packages}/*/test/integration)
step 'S3 and IPFS' 20 npm test -- --again integration "${on_stores[@]}"
step_again images 20 scripts/build-images.sh --standins
export C2D_TEST_IMAGES='c2d/*:local'
step Kubernetes 45 npm test -- --again kubernetes
algorithm=$(sed -n 's/.*\(node:24-bookworm-slim\) is \(.*\/\)node@\(sha256:[0-9a-f]*\).*/\2\1@\3/p' "$logs/base-images.log")
export ADVERTISED_ADDRESS=$C2D_TEST_NODE_ADDRESS C2D_POD_REGISTRY=localhost:5000/c2d ALGORITHM_IMAGE=$algorithm
if [ -S "$run/containerd.sock" ]; then export NODE_IMPORT="ctr --address $run/containerd.sock --namespace k8s.io images import"; fi
step_again Compose 20 scripts/prove-compose.sh
step_again manifests 12 scripts/prove-manifests.sh

for title in "${unstable[@]}"; do printf '\ncluster: unstable, held the second time: %s\n' "$title"; done
if [ ${#failed[@]} -gt 0 ]; then
  printf '\ncluster: FAILED:'
  printf ' %s;' "${failed[@]}"
  echo
  exit 1
fi
printf '\ncluster: all good\n'
