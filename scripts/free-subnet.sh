#!/usr/bin/env bash
# Prints the beginning of a /24 network that Docker itself would take for containers (10.0.3): for C2D_SUBNET, where rules of
# this machine know those networks and no others.
set -euo pipefail
network=c2d-free-subnet-$$
docker network create "$network" >/dev/null
subnet=$(docker network inspect --format '{{(index .IPAM.Config 0).Subnet}}' "$network")
docker network rm "$network" >/dev/null
echo "${subnet%.*}"
