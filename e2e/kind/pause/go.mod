module ticker-operator/e2e/kind/pause

go 1.25.0
