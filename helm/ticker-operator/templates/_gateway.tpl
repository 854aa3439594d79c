{{- define "ticker-operator.readerTokenArgs" -}}
{{- with .Values.gateway.tokens }}
{{- if .secretName }}
- --token-file=/etc/readers/{{ .key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "ticker-operator.readerTokenMounts" -}}
{{- if .Values.gateway.tokens.secretName }}
- { name: readers, mountPath: /etc/readers, readOnly: true }
{{- end }}
{{- end }}

{{- define "ticker-operator.readerTokenVolumes" -}}
{{- with .Values.gateway.tokens.secretName }}
- name: readers
  secret: { secretName: {{ . }} }
{{- end }}
{{- end }}
