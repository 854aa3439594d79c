{{- define "ticker-operator.labels" -}}
app.kubernetes.io/name: ticker-operator
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- /* Labels that select the pods of one component: (dict "root" . "component" "gateway") */ -}}
{{- define "ticker-operator.selector" -}}
app.kubernetes.io/name: ticker-operator
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "ticker-operator.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "ticker-operator.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "ticker-operator.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "ticker-operator.probes" -}}
startupProbe: { httpGet: { path: /healthz, port: http }, periodSeconds: 1, failureThreshold: 60 }
livenessProbe: { httpGet: { path: /healthz, port: http }, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 }
readinessProbe: { httpGet: { path: /readyz, port: http }, periodSeconds: 2, timeoutSeconds: 2 }
{{- end }}

{{- define "ticker-operator.redisUrl" -}}
{{ required "redis.url is missing: set it to where the ticks go, e.g. --set redis.url=redis://redis:6379" .Values.redis.url }}
{{- end }}

{{- /* What a container needs to reach Redis. */ -}}
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

{{- define "ticker-operator.downwardEnv" -}}
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: POD_UID
  valueFrom: { fieldRef: { fieldPath: metadata.uid } }
- name: POD_NAMESPACE
  valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
- name: POD_IP
  valueFrom: { fieldRef: { fieldPath: status.podIP } }
{{- end }}
