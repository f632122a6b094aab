#!/usr/bin/env bash
# Builds every image from this folder, offline: the dependencies come from npm's cache on this machine.
#   scripts/build-images.sh              c2d/<app>:local, c2d/<pod>:local
#   scripts/build-images.sh --standins   also c2d/standin-s3, -ipfs, -kubectl from versitygw, ipfs, kubectl found on the PATH
#   scripts/build-images.sh --archive FOLDER    only the pods' images, as FOLDER/pods.tar
# C2D_REGISTRY, C2D_TAG name others than c2d and local. With network, `docker compose build` does without this script.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOCKER_BUILDKIT=1
registry=${C2D_REGISTRY:-c2d} tag=${C2D_TAG:-local} cache=c2d/npm-cache:local
say() { echo "images: $*"; }

import_cache() { tar -C "$(npm config get cache 2>/dev/null)" -c _cacache | docker import - "$cache" >/dev/null; }
build() { # TARGET [ARG...]
  local target=$1; shift
  docker build --quiet --target "$target" --build-arg NPM_CACHE_IMAGE="$cache" --build-arg NPM_FLAGS=--offline "$@" . >/dev/null
}

docker image inspect "$cache" >/dev/null 2>&1 && [ "${1:-}" = --archive ] || import_cache
if ! build dependencies --tag c2d/dependencies:local 2>/dev/null; then
  say "npm's cache is not complete; npm ci fills it"
  folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
  git ls-files '*package.json' package-lock.json .npmrc | xargs -I{} cp --parents {} "$folder"
  (cd "$folder" && npm ci --prefer-offline --ignore-scripts >/dev/null)
  import_cache
  build dependencies --tag c2d/dependencies:local
fi
if [ "${1:-}" = --archive ]; then
  build archive --output "$2"
  exit
fi
for app in provider operator-service local-stack; do build service --build-arg APP="$app" --tag "$registry/$app:$tag"; done
build operator-engine --build-arg APP=operator-engine --tag "$registry/operator-engine:$tag"
for pod in pod-configuration pod-publishing; do build "$pod" --tag "$registry/$pod:$tag"; done
say "$(docker images --format '{{.Repository}}:{{.Tag}} {{.Size}}' "$registry/*" | grep ":$tag" | paste -sd, -)"

if [ "${1:-}" = --standins ]; then
  for pair in s3:versitygw ipfs:ipfs kubectl:kubectl; do
    name=${pair%:*} program=${pair#*:}
    path=$(command -v "$program") || { say "no $program on the PATH"; exit 1; }
    folder=$(mktemp -d)
    cp -L "$path" "$folder/$program"
    printf 'FROM debian:bookworm-slim\nCOPY %s /usr/local/bin/\n' "$program" >"$folder/Dockerfile"
    docker build --quiet --tag "c2d/standin-$name:local" "$folder" >/dev/null
    rm -rf "$folder"
  done
fi
