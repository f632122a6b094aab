#!/usr/bin/env bash
# Proves docker-compose.yml with the stand-ins of scripts/build-images.sh --standins: the paid job without Kubernetes, down,
# up, again; then, where C2D_TEST_KUBECONFIG names a cluster, in that cluster; then with it in the place of the k3s node.
#   ADVERTISED_ADDRESS  an IP of this machine that pods reach;  C2D_POD_REGISTRY  where to push the pods' images
#   ALGORITHM_IMAGE     image:tag@sha256:… with Node, pulled by the cluster
#   NODE_IMPORT         a command that takes an archive of images into the cluster's node, whose pods reach Docker's networks
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
standins=docker-compose.yml:deploy/compose/standins.yml
work=$(mktemp -d)

# Of what the file publishes on loopback nothing is needed here, and others may be using those ports.
quiet() { # SERVICE...
  echo services:
  for service in "$@"; do echo "  $service: { ports: !reset [] }"; done
}
quiet chain operator-service >"$work/some.yml"
quiet chain operator-service postgres metadata-cache provider s3 ipfs >"$work/all.yml"
for profile in process k3s; do
  if COMPOSE_PROFILES=$profile ADVERTISED_ADDRESS='' docker compose config | grep 'host_ip:' | grep -v '127.0.0.1'; then
    echo "compose: the profile $profile publishes more than loopback ports"
    exit 1
  fi
done

up() {
  timeout 300 docker compose --progress plain up --detach --no-build --wait >"$work/up" 2>&1 && return
  tail -15 "$work/up"
  docker compose ps --all
  give_up
}
demo() {
  timeout 480 docker compose run --rm demo 2>"$work/demo" | tee >(cat >&2) | grep 'run directly on the file: yes' >/dev/null && return
  tail -5 "$work/demo"
  give_up
}
give_up() { # with what tells why
  docker compose logs --no-log-prefix --tail 40 2>/dev/null | grep -v 'request answered' | cut -c1-600
  if [ -n "${C2D_NAMESPACE:-}" ]; then
    kubectl --namespace "$C2D_NAMESPACE" get pods,pvc,events 2>&1 | tail -40
    kubectl get pods --all-namespaces # who else has the machine's room
    kubectl describe nodes | grep -E -A12 '^(Taints|Allocated resources)'
  fi
  exit 1
}
down() { docker compose down "$@" >/dev/null 2>&1; }
no_more() { kubectl delete namespace "$C2D_NAMESPACE" --wait=false >/dev/null 2>&1 || true; }

advertised=${ADVERTISED_ADDRESS:-}
unset ADVERTISED_ADDRESS
(
  export COMPOSE_PROJECT_NAME=c2d-proof-process COMPOSE_PROFILES=process COMPOSE_FILE=$standins:$work/all.yml
  unset ALGORITHM_IMAGE
  trap 'down --volumes' EXIT
  up && demo
  down
  up && demo
)
echo 'compose: the paid job, twice, without Kubernetes'

if [ -z "${C2D_TEST_KUBECONFIG:-}" ] || [ -z "$advertised" ]; then
  echo 'compose: not proven in a cluster: C2D_TEST_KUBECONFIG or ADVERTISED_ADDRESS is not set'
  exit 0
fi
export KUBECONFIG=$C2D_TEST_KUBECONFIG
C2D_SUBNET=$(scripts/free-subnet.sh)
export C2D_SUBNET
(
  export COMPOSE_PROJECT_NAME=c2d-proof-cluster COMPOSE_PROFILES=cluster COMPOSE_FILE=$standins:$work/some.yml ADVERTISED_ADDRESS=$advertised
  export C2D_NAMESPACE=c2d-proof-jobs-$$ KUBECONFIG_USER=${KUBECONFIG_USER:-$(id -u):$(id -g)}
  C2D_POD_TAG=proof-$(date +%s) # nodes keep the image of a tag that they know
  export C2D_POD_TAG
  trap 'down --volumes; no_more' EXIT
  for pod in pod-configuration pod-publishing; do
    docker tag "c2d/$pod:local" "$C2D_POD_REGISTRY/$pod:$C2D_POD_TAG"
    docker push --quiet "$C2D_POD_REGISTRY/$pod:$C2D_POD_TAG" >/dev/null
  done
  kubectl create namespace "$C2D_NAMESPACE" >/dev/null
  up && demo
)
echo 'compose: the paid job in the cluster'

if [ -z "${NODE_IMPORT:-}" ]; then
  echo 'compose: the profile with a node of its own is not proven: NODE_IMPORT is not set'
  exit 0
fi
# Everything of that profile but k3s itself: the archive of images, the engine's account with its role, the fixed addresses.
(
  export COMPOSE_PROJECT_NAME=c2d-proof-k3s COMPOSE_PROFILES=k3s COMPOSE_FILE=$standins:deploy/compose/node-standin.yml:$work/all.yml
  C2D_NAMESPACE=c2d-proof-node-$$
  API_SERVER=$(kubectl config view --minify -o 'jsonpath={.clusters[0].cluster.server}')
  export C2D_NAMESPACE API_SERVER
  trap 'down --volumes; no_more' EXIT
  scripts/build-images.sh --archive "$work/images"
  $NODE_IMPORT "$work/images/pods.tar" >/dev/null
  up && demo
)
echo 'compose: the paid job with that cluster in the place of the k3s node'
rm -rf "$work"
