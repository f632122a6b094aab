#!/usr/bin/env bash
# Builds every image from this folder, offline: the dependencies come from npm's cache on this machine.
#   scripts/build-images.sh              c2d/<app>:local, c2d/<pod>:local
#   scripts/build-images.sh --standins   also c2d/standin-s3, c2d/standin-ipfs from versitygw and ipfs found on the PATH
# C2D_REGISTRY, C2D_TAG name others than c2d and local. With network, `docker compose build` does without this script.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOCKER_BUILDKIT=1
registry=${C2D_REGISTRY:-c2d} tag=${C2D_TAG:-local} cache=c2d/npm-cache:local
say() { echo "images: $*"; }

import_cache() { tar -C "$(npm config get cache 2>/dev/null)" -c _cacache | docker import - "$cache" >/dev/null; }
build() { # NAME TARGET [ARG...]
  local name=$1 target=$2; shift 2
  docker build --quiet --target "$target" --build-arg NPM_CACHE_IMAGE="$cache" --build-arg NPM_FLAGS=--offline "$@" \
    --tag "$name" . >/dev/null
}

import_cache
if ! build c2d/dependencies:local dependencies 2>/dev/null; then
  say "npm's cache is not complete; npm ci fills it"
  folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
  git ls-files '*package.json' package-lock.json .npmrc | cpio --quiet -pdm "$folder" 2>/dev/null ||
    git ls-files '*package.json' package-lock.json .npmrc | xargs -I{} cp --parents {} "$folder"
  (cd "$folder" && npm ci --prefer-offline --ignore-scripts >/dev/null)
  import_cache
  build c2d/dependencies:local dependencies
fi
for app in provider operator-service local-stack; do build "$registry/$app:$tag" service --build-arg APP="$app"; done
build "$registry/operator-engine:$tag" operator-engine --build-arg APP=operator-engine
for pod in pod-configuration pod-publishing; do build "$registry/$pod:$tag" "$pod"; done
say "$(docker images --format '{{.Repository}}:{{.Tag}} {{.Size}}' "$registry/*" | grep ":$tag" | paste -sd, -)"

if [ "${1:-}" = --standins ]; then
  for pair in s3:versitygw ipfs:ipfs; do
    program=$(command -v "${pair#*:}") || { say "no ${pair#*:} on the PATH"; exit 1; }
    { printf 'FROM debian:bookworm-slim\nCOPY %s /usr/local/bin/%s\n' "${pair#*:}" "${pair#*:}" >/tmp/standin.$$; }
    folder=$(mktemp -d); cp -L "$program" "$folder/${pair#*:}"
    docker build --quiet --file /tmp/standin.$$ --tag "c2d/standin-${pair%%:*}:local" "$folder" >/dev/null
    rm -rf "$folder" /tmp/standin.$$
  done
fi
