# The bridge of a self-built cluster, and what Podman leaves behind. Sourced after settings.sh.
# What was there before is noted at `up`, so that `down` takes away what came since and nothing else.

chains() { local table; for table in nat filter; do iptables -t "$table" -S | awk -v t="$table" '$1 == "-N" {print t, $2}'; done; }

network_up() {
  local name=$KIND_EXPERIMENTAL_PODMAN_NETWORK
  podman network exists "$name" || {
    chains >"$state/chains"
    cat /proc/sys/net/ipv4/ip_forward >"$state/ip_forward"
    podman network create --subnet "$subnet" --gateway "$prefix.1" --disable-dns "$name" >/dev/null
  }
  # Nothing of the cluster leaves this machine. What goes over the bridge is forwarded too where the kernel shows bridged
  # packets to iptables, from a node to another's pods for example: that stays.
  podman network inspect -f '{{.NetworkInterface}}' "$name" >"$state/bridge"
  inside -C 2>/dev/null || inside -I
}

inside() { iptables "$1" FORWARD -i "$(cat "$state/bridge")" ! -o "$(cat "$state/bridge")" -j REJECT; }

network_down() {
  podman network rm -f "$KIND_EXPERIMENTAL_PODMAN_NETWORK" >/dev/null 2>&1 || true
  [ ! -e "$state/bridge" ] || inside -D 2>/dev/null || true
  # What came since may be another cluster's.
  others && return
  [ ! -e "$state/chains" ] || remove_chains
  [ ! -e "$state/ip_forward" ] || cat "$state/ip_forward" >/proc/sys/net/ipv4/ip_forward
  # Empty groups of containers that are gone.
  find /sys/fs/cgroup/*/libpod_parent /sys/fs/cgroup/libpod_parent -depth -type d -exec rmdir {} + 2>/dev/null || true
}

others() {
  local each
  for each in "$E2E_CACHE"/clusters/*/flavor; do [ "$each" = "$state/flavor" ] || [ ! -e "$each" ] || return 0; done
  return 1
}

remove_chains() {
  local table chain rule
  chains | grep -vxFf "$state/chains" | while read -r table chain; do
    iptables -t "$table" -S | sed -nE "/^-A .*-j $chain( |\$)/ s/^-A/-D/p" |
      while read -r rule; do eval "iptables -t $table $rule"; done
    iptables -t "$table" -F "$chain"
  done
  chains | grep -vxFf "$state/chains" | while read -r table chain; do iptables -t "$table" -X "$chain"; done
}
