//go:build tools

// The program that this module pins; it is built by its import path.
package tools

import _ "github.com/prometheus/alertmanager/cmd/alertmanager"
