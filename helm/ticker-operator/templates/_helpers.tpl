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
{{- with .Values.image }}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{- /* What a pod has beside its containers: (dict "root" . "component" "gateway"); values of that component. */ -}}
{{- define "ticker-operator.pod" -}}
{{- $root := .root }}
{{- $values := index $root.Values (ternary "shards" .component (eq .component "shard")) }}
{{- $selector := include "ticker-operator.selector" . -}}
securityContext: {{- include "ticker-operator.podSecurity" (dict "user" 1000) | nindent 2 }}
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName | default (ternary $root.Release.Name "" $root.Values.priorityClass.create) }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.spread }}
topologySpreadConstraints:
  {{- range . }}
  - topologyKey: {{ .topologyKey }}
    maxSkew: {{ .maxSkew | default 1 }}
    whenUnsatisfiable: {{ .whenUnsatisfiable | default "ScheduleAnyway" }}
    {{- with .nodeTaintsPolicy }}
    nodeTaintsPolicy: {{ . }}
    {{- end }}
    {{- with .matchLabelKeys }}
    matchLabelKeys: {{- toYaml . | nindent 6 }}
    {{- end }}
    labelSelector:
      matchLabels: {{- $selector | nindent 8 }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* Pod Security `restricted`: (dict "user" 1000) */ -}}
{{- define "ticker-operator.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .user }}
runAsGroup: {{ .user }}
fsGroup: {{ .user }}
fsGroupChangePolicy: OnRootMismatch
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

{{- define "ticker-operator.tracingEnv" -}}
{{- with .Values.tracing.endpoint }}
- { name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }} }
{{- end }}
{{- end }}

{{- /* The spool goes with the pod, unless it is on a claim. */ -}}
{{- define "ticker-operator.spoolVolumes" -}}
{{- if not .Values.shards.spool.persistence.enabled }}
- name: spool
  emptyDir: { sizeLimit: {{ add .Values.shards.spool.mebibytes 256 }}Mi }
{{- end }}
{{- end }}

{{- define "ticker-operator.loggingMounts" -}}
- { name: logging, mountPath: /etc/logging, readOnly: true }
{{- end }}

{{- /* Optional: without it a process logs from `info` on, rather than not to start. */ -}}
{{- define "ticker-operator.loggingVolumes" -}}
- name: logging
  configMap: { name: {{ .Release.Name }}-logging, optional: true }
{{- end }}
