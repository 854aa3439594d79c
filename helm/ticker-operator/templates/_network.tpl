{{- define "ticker-operator.networkPolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .root.Release.Name }}-{{ .component }}
  labels: {{- include "ticker-operator.labels" .root | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "ticker-operator.selector" . | nindent 6 }}
  # Both: what is not allowed below is refused.
  policyTypes: [Ingress, Egress]
{{- end }}

{{- /* Rules, each an entry of `egress` or `ingress`. */ -}}
{{- define "ticker-operator.toNames" -}}
- ports: [{ port: 53, protocol: UDP }, { port: 53, protocol: TCP }]
{{- end }}

{{- /* To blocks of addresses: a dict of `cidrs` and `ports`. */ -}}
{{- define "ticker-operator.toAddresses" -}}
- to:
    {{- range .cidrs }}
    - ipBlock: { cidr: {{ . | quote }} }
    {{- end }}
  ports:
    {{- range .ports }}
    - port: {{ . }}
    {{- end }}
{{- end }}

{{- define "ticker-operator.toRedis" -}}
- ports:
    {{- range (include "ticker-operator.redisPorts" . | fromJson).ports }}
    - port: {{ . }}
    {{- end }}
  {{- if .Values.redis.trial.enabled }}
  to: [{ podSelector: { matchLabels: {{ include "ticker-operator.selector" (dict "root" . "component" "redis") | fromYaml | toJson }} } }]
  {{- else if .Values.networkPolicy.redis.to }}
  to: {{- toYaml .Values.networkPolicy.redis.to | nindent 4 }}
  {{- end }}
{{- end }}

{{- define "ticker-operator.toCollector" -}}
{{- if .Values.tracing.endpoint }}
{{- with .Values.networkPolicy.collector }}
- ports:
    {{- range .ports }}
    - port: {{ . }}
    {{- end }}
  {{- with .to }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* To or from pods of this release: (dict "root" . "key" "to" "components" (list …) "port" 9464) */ -}}
{{- define "ticker-operator.peers" -}}
- {{ .key }}:
    {{- $root := .root }}
    {{- range .components }}
    - podSelector:
        matchLabels: {{- include "ticker-operator.selector" (dict "root" $root "component" .) | nindent 10 }}
    {{- end }}
  ports: [{ port: {{ .port }} }]
{{- end }}

{{- define "ticker-operator.fromMetrics" -}}
- from: {{- toYaml .Values.networkPolicy.metrics | nindent 4 }}
  ports: [{ port: 9464 }]
{{- end }}
