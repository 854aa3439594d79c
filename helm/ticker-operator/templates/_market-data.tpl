{{- /* Name of the Secret with the token between operator and shards; empty for none. */ -}}
{{- define "ticker-operator.marketDataSecret" -}}
{{- .Values.marketData.secretName | default (ternary (printf "%s-market-data" .Release.Name) "" .Values.marketData.createToken) }}
{{- end }}

{{- define "ticker-operator.marketDataArgs" -}}
{{- if include "ticker-operator.marketDataSecret" . }}
- --market-data-token-file=/etc/market-data/{{ .Values.marketData.key }}
{{- end }}
{{- end }}

{{- define "ticker-operator.marketDataMounts" -}}
{{- if include "ticker-operator.marketDataSecret" . }}
- { name: market-data, mountPath: /etc/market-data, readOnly: true }
{{- end }}
{{- end }}

{{- define "ticker-operator.marketDataVolumes" -}}
{{- with include "ticker-operator.marketDataSecret" . }}
- name: market-data
  secret: { secretName: {{ . }} }
{{- end }}
{{- end }}
