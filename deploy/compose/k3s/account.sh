#!/bin/sh
# The namespace of the jobs, and the engine's account in it: a kubeconfig that may do what the engine's role says, and
# nothing else. Safe to repeat; the token is a new one each time.
set -eu
admin() { kubectl --kubeconfig /admin/kubeconfig --server "$API_SERVER" "$@"; }

kubectl kustomize /manifests/compose/k3s | sed "s/c2d-jobs/$NAMESPACE/g" | admin apply -f -
authority=$(admin config view --raw --minify -o 'jsonpath={.clusters[0].cluster.certificate-authority-data}')
token=$(admin --namespace "$NAMESPACE" create token c2d-operator-engine --duration=8760h)
umask 077
cat >/account/kubeconfig.new <<YAML
apiVersion: v1
kind: Config
clusters: [{ name: node, cluster: { server: '$API_SERVER', certificate-authority-data: '$authority' } }]
users: [{ name: engine, user: { token: '$token' } }]
contexts: [{ name: engine, context: { cluster: node, user: engine, namespace: '$NAMESPACE' } }]
current-context: engine
YAML
chown 1000:1000 /account/kubeconfig.new
mv /account/kubeconfig.new /account/kubeconfig
