{{- define "ticker-operator.redisUrl" -}}
{{- if .Values.redis.trial.enabled }}redis://{{ .Release.Name }}-redis:6379{{ else }}{{ .Values.redis.url }}{{ end }}
{{- end }}

{{- /* Ports of Redis, as a JSON list under `ports`. */ -}}
{{- define "ticker-operator.redisPorts" -}}
{{- $ports := .Values.redis.trial.enabled | ternary (list 6379) .Values.networkPolicy.redis.ports }}
{{- if not $ports }}
{{- $hosts := regexReplaceAll "^[a-z+]+://" .Values.redis.url "" | splitList "/" | first }}
{{- range splitList "," $hosts }}
{{- $ports = append $ports (regexFind ":[0-9]+$" . | trimPrefix ":" | default "6379" | int) }}
{{- end }}
{{- end }}
{{- dict "ports" (uniq $ports) | toJson }}
{{- end }}

{{- /* What a container needs to log in to Redis. */ -}}
{{- define "ticker-operator.redisEnv" -}}
- name: REDIS_URL
  value: {{ include "ticker-operator.redisUrl" . | quote }}
{{- with .Values.redis.auth }}
{{- if .secretName }}
- name: REDIS_USERNAME
  valueFrom: { secretKeyRef: { name: {{ .secretName }}, key: {{ .usernameKey }}, optional: true } }
- name: REDIS_PASSWORD
  valueFrom: { secretKeyRef: { name: {{ .secretName }}, key: {{ .passwordKey }} } }
{{- end }}
{{- end }}
{{- end }}

{{- /* Its arguments for TLS, none without. */ -}}
{{- define "ticker-operator.redisArgs" -}}
{{- with .Values.redis }}
{{- if .ca.secretName }}
- --redis-ca=/etc/redis/ca/{{ .ca.key }}
{{- end }}
{{- if .clientCertificate.secretName }}
- --redis-cert=/etc/redis/client/{{ .clientCertificate.certKey }}
- --redis-key=/etc/redis/client/{{ .clientCertificate.keyKey }}
{{- end }}
{{- if .serverName }}
- --redis-server-name={{ .serverName }}
{{- end }}
{{- end }}
{{- end }}

{{- define "ticker-operator.redisMounts" -}}
{{- with .Values.redis }}
{{- if .ca.secretName }}
- { name: redis-ca, mountPath: /etc/redis/ca, readOnly: true }
{{- end }}
{{- if .clientCertificate.secretName }}
- { name: redis-client, mountPath: /etc/redis/client, readOnly: true }
{{- end }}
{{- end }}
{{- end }}

{{- define "ticker-operator.redisVolumes" -}}
{{- with .Values.redis }}
{{- if .ca.secretName }}
- name: redis-ca
  secret: { secretName: {{ .ca.secretName }} }
{{- end }}
{{- if .clientCertificate.secretName }}
- name: redis-client
  secret: { secretName: {{ .clientCertificate.secretName }} }
{{- end }}
{{- end }}
{{- end }}
