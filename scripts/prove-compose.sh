#!/usr/bin/env bash
# Proves docker-compose.yml with the stand-ins: the paid job without Kubernetes, down, up, again; then, where
# C2D_TEST_KUBECONFIG names a cluster and its address is known, in that cluster. Needs scripts/build-images.sh --standins.
#   ADVERTISED_ADDRESS  an IP of this machine that pods reach;  C2D_POD_REGISTRY  where to push the pods' images
#   ALGORITHM_IMAGE     image:tag@sha256:… with Node, pulled by the cluster
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
compose() { docker compose -f docker-compose.yml -f deploy/compose/standins.yml "$@"; }
export -f compose
words=$(mktemp)
up() {
  timeout 300 bash -c 'compose --progress plain up --detach --no-build --wait' >"$words" 2>&1 && return
  tail -15 "$words"; compose ps -a; compose logs --tail 5
  exit 1
}
demo() { timeout 300 bash -c 'compose run --rm demo' 2>"$words" | tee -a /dev/stderr | grep -q 'run directly on the file: yes' || { tail -5 "$words"; exit 1; }; }

advertised=${ADVERTISED_ADDRESS:-}
unset ADVERTISED_ADDRESS
(
  export COMPOSE_PROJECT_NAME=c2d-proof-process COMPOSE_PROFILES=process
  unset ALGORITHM_IMAGE
  trap 'compose down --volumes >/dev/null 2>&1' EXIT
  up && demo
  compose down >/dev/null 2>&1
  up && demo
  echo 'compose: the paid job, twice, without Kubernetes'
)
if [ -z "${C2D_TEST_KUBECONFIG:-}" ] || [ -z "$advertised" ]; then
  echo 'compose: not proven in a cluster: C2D_TEST_KUBECONFIG or ADVERTISED_ADDRESS is not set'
  exit 0
fi
export COMPOSE_PROJECT_NAME=c2d-proof-cluster COMPOSE_PROFILES=cluster ADVERTISED_ADDRESS=$advertised
export KUBECONFIG=$C2D_TEST_KUBECONFIG C2D_NAMESPACE=c2d-proof-jobs KUBECONFIG_USER=${KUBECONFIG_USER:-$(id -u):$(id -g)}
trap 'compose down --volumes >/dev/null 2>&1; kubectl delete namespace "$C2D_NAMESPACE" --wait=false >/dev/null 2>&1' EXIT
for pod in pod-configuration pod-publishing; do
  docker tag "c2d/$pod:local" "$C2D_POD_REGISTRY/$pod:local"
  docker push --quiet "$C2D_POD_REGISTRY/$pod:local" >/dev/null
done
kubectl create namespace "$C2D_NAMESPACE" >/dev/null
up && demo
echo 'compose: the paid job in the cluster'
