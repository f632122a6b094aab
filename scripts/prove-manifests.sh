#!/usr/bin/env bash
# Proves deploy/kubernetes: its manifests, through overlays as docs/operations.md says, on the cluster that
# C2D_TEST_KUBECONFIG names, and one paid job run by those services. What is not theirs (PostgreSQL, chain, metadata cache,
# S3) is Docker Compose's. Needs scripts/build-images.sh --standins.
#   ADVERTISED_ADDRESS  an IP of this machine that pods and containers reach
#   C2D_POD_REGISTRY    where to push the images, for the cluster to pull
#   ALGORITHM_IMAGE     image:tag@sha256:… with Node, pulled by the cluster
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
: "${ADVERTISED_ADDRESS:?}" "${C2D_POD_REGISTRY:?}" "${ALGORITHM_IMAGE:?}"
export KUBECONFIG=${C2D_TEST_KUBECONFIG:?}
export COMPOSE_PROJECT_NAME=c2d-proof-manifests COMPOSE_PROFILES=cluster
C2D_SUBNET=$(scripts/free-subnet.sh)
export C2D_SUBNET
services=c2d-proof-$$ jobs=c2d-proof-$$-jobs at=$ADVERTISED_ADDRESS
work=$(mktemp -d)
say() { echo "manifests: $*"; }
leave() {
  local code=$?
  if [ $code != 0 ]; then
    kubectl --namespace "$services" get pods,events 2>&1 | tail -30
    for app in provider operator-service operator-engine; do
      kubectl --namespace "$services" logs --tail 20 "deployment/$app" 2>&1
    done
  fi
  [ -z "${forwarder:-}" ] || kill "$forwarder" 2>/dev/null || true
  kubectl delete namespace "$services" "$jobs" --wait=false >/dev/null 2>&1 || true
  docker compose down --volumes >/dev/null 2>&1
  rm -rf "$work"
}
trap leave EXIT

# --- what is not in the cluster; the chain and the files are reached by pods too ---
cat >"$work/outside.yml" <<YAML
services:
  chain: { ports: !override ['$at:8545:8545'] }
  files: { ports: ['$at:8070:8070'] }
  demo: { environment: { FILES_URL: 'http://$at:8070' } }
YAML
export COMPOSE_FILE=docker-compose.yml:deploy/compose/standins.yml:$work/outside.yml
timeout 300 docker compose up --detach --no-build --wait postgres chain files metadata-cache s3 >"$work/up" 2>&1 || {
  tail -15 "$work/up"
  exit 1
}
say 'PostgreSQL, chain, metadata cache and S3 are up'

# --- overlays: images by digest, namespaces ---
digest_of() { # NAME: pushed, its digest
  docker tag "c2d/$1:local" "$C2D_POD_REGISTRY/$1:local"
  docker push --quiet "$C2D_POD_REGISTRY/$1:local" >/dev/null
  docker image inspect --format '{{join .RepoDigests "\n"}}' "$C2D_POD_REGISTRY/$1:local" | grep "^$C2D_POD_REGISTRY/$1@" | tail -1 | cut -d@ -f2
}
mkdir "$work/services" "$work/jobs"
here=$(realpath --relative-to "$work/services" deploy/kubernetes)
{
  echo "apiVersion: kustomize.config.k8s.io/v1beta1"
  echo "kind: Kustomization"
  echo "namespace: $services"
  echo "resources: [$here/services]"
  echo "images:"
  for app in provider operator-service operator-engine; do
    echo "  - { name: c2d/$app, newName: $C2D_POD_REGISTRY/$app, digest: '$(digest_of "$app")' }"
  done
} >"$work/services/kustomization.yaml"
cat >"$work/jobs/kustomization.yaml" <<YAML
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: $jobs
resources: [$here/jobs]
patches:
  - target: { kind: RoleBinding }
    patch: '[{ "op": "replace", "path": "/subjects/0/namespace", "value": "$services" }]'
YAML
pods="POD_CONFIGURATION_CONTAINER=$C2D_POD_REGISTRY/pod-configuration@$(digest_of pod-configuration)
POD_PUBLISH_CONTAINER=$C2D_POD_REGISTRY/pod-publishing@$(digest_of pod-publishing)"

# --- settings; keys are published ones of the development chain ---
kubectl create --save-config namespace "$services" >/dev/null
secret() { # NAME: what is on stdin
  kubectl --namespace "$services" create secret generic "$1" --from-env-file=/dev/stdin >/dev/null
}
database="postgres://postgres:c2d-local@$at:15432"
results="AWS_BUCKET_OUTPUT=c2d-results
AWS_ACCESS_KEY_ID=c2d-local
AWS_SECRET_ACCESS_KEY=c2d-local-secret
S3_ENDPOINT=http://$at:17070"
providers='ALLOWED_PROVIDERS=0xe08A1dAe983BC701D05E492DB80e0144f8f4b909'
environment() { # ID KEY PRICE
  echo "{\"id\":\"$1\",\"privateKey\":\"$2\",\"priceMin\":$3,\"cpuNumber\":0.2,\"maxJobDuration\":600,\"kubernetes\":{\"namespace\":\"$jobs\"}}"
}
key=0xfd5c1ccea015b6d663618850824154a3b3fb2882c46cefb05b9a93fea8c3d215
secret c2d-migrations <<ENV
DATABASE_URL=$database/operator
POD_DATABASE_PASSWORD=c2d-local-pod
$providers
$results
ENV
secret c2d-operator <<ENV
DATABASE_URL=$database/operator
ENGINE_SECRET=c2d-local-engine-secret
$providers
$results
ENV
secret c2d-engine <<ENV
DATABASE_URL=$database/operator
POD_DATABASE_URL=postgres://c2d_pod:c2d-local-pod@$at:15432/operator
ENGINE_SECRET=c2d-local-engine-secret
OUTBOUND_ALLOW=$at:8030,$at:8095
ENVIRONMENTS=[$(environment local-free 0x1f990f8b013fc5c7955e0f8746f11ded231721b9cf3f99ff06cdc03492b28095 0),$(environment local-paid 0x732fbb7c355aa8898f4cff92fa7a6a947339eaf026a08a51f171199e35a18ae0 0.1)]
$pods
$results
ENV
secret c2d-provider <<ENV
DATABASE_URL=$database/provider
NETWORK_URL={"8996":"http://$at:8545"}
PROVIDER_PRIVATE_KEY={"8996":"$key"}
UNIVERSAL_PRIVATE_KEY=$key
AQUARIUS_URL=http://$at:8095
OPERATOR_SERVICE_URL=http://operator-service:8050
PUBLIC_URLS=http://$at:8030
OUTBOUND_ALLOW=$at:8070,$at:8030,$at:8545,$at:8095
ENV
docker compose exec -T chain cat /var/lib/c2d/shared/address.json >"$work/address.json"
kubectl --namespace "$services" create configmap c2d-addresses --from-file="$work/address.json" >/dev/null

# --- apply, wait, run ---
kubectl create --save-config namespace "$jobs" >/dev/null
for folder in services jobs; do
  kubectl apply --kustomize "$work/$folder" --validate=strict --dry-run=server >/dev/null # what the cluster's own schema says
  kubectl apply --kustomize "$work/$folder" >/dev/null
done
kubectl --namespace "$services" wait --for=condition=Complete job/migrations --timeout=240s >/dev/null
for app in operator-service provider operator-engine; do
  kubectl --namespace "$services" rollout status "deployment/$app" --timeout=240s >/dev/null
done
say 'migrated; provider, operator-service and operator-engine are ready'
kubectl --namespace "$services" port-forward --address "$at" service/provider 8030:8030 >"$work/forward" 2>&1 &
forwarder=$!
for _ in $(seq 60); do curl -fsS --noproxy '*' --max-time 3 -o /dev/null "http://$at:8030/" 2>/dev/null && break; sleep 0.5; done
demo() {
  timeout 300 docker compose run --rm --no-deps demo 2>"$work/demo" | tee >(cat >&2) | grep 'run directly on the file: yes' >/dev/null && return
  tail -5 "$work/demo"
  exit 1
}
demo
# What its seal gate tried, and its configure pod reached, was the Service, whichever pod is the engine.
canary=$(kubectl --namespace "$services" get service engine-canary --output 'jsonpath={.spec.clusterIP}')
kubectl --namespace "$services" logs deployment/operator-engine --tail=-1 | grep -F '"sealed":true' \
  | grep -F "{\"name\":\"canary\",\"address\":\"$canary:8061\"" >/dev/null || {
  say "no receipt names the Service $canary"
  exit 1
}
say 'the paid job, by the services of deploy/kubernetes, sealed from the Service that stands for the engine'

# The same while its inputs are fetched, when the engine's pod is replaced by another.
replace_engine() {
  for _ in $(seq 1200); do
    [ -z "$(kubectl --namespace "$jobs" get pods --selector component=configure --output name 2>/dev/null)" ] || break
    sleep 0.1
  done
  kubectl --namespace "$services" delete pod --selector app=operator-engine --grace-period=1 >/dev/null && say 'the engine is another one'
}
replace_engine &
demo
wait $!
say 'the paid job, while its engine was replaced by another'
