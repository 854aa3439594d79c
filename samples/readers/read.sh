#!/bin/sh
# Prints the batches of a set of format json, one a line, heartbeats too. Usage: read.sh redis://HOST:PORT NAMESPACE/CHANNEL
redis-cli -u "${1:-redis://127.0.0.1:6379}" --raw SUBSCRIBE "ticks:$(echo "${2:-default/equities}" | tr / :)" | grep --line-buffered '^{'
