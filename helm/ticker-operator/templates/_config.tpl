{{- /* The operator's configuration: bounds of the ticker pods, and their template. Indented as the ConfigMap has it. */ -}}
{{- define "ticker-operator.config" }}
    shards:
      name: {{ .Release.Name }}
      min: {{ .Values.shards.min }}
      max: {{ .Values.shards.max }}
      instrumentsPerShard: {{ int .Values.shards.instrumentsPerShard }}
      accountsPerShard: {{ .Values.shards.accountsPerShard }}
      scaleDownAfterSeconds: {{ .Values.shards.scaleDownAfterSeconds }}
      leaveSeconds: {{ .Values.shards.leaveSeconds }}
      rollout: {{- toYaml .Values.shards.rollout | nindent 8 }}
      ownerDeployment: {{ .Release.Name }}-operator
      {{- if .Values.shards.spool.persistence.enabled }}
      volumeClaimTemplates:
        - metadata: { name: spool }
          spec:
            accessModes: [ReadWriteOnce]
            {{- with .Values.shards.spool.persistence.storageClassName }}
            storageClassName: {{ . }}
            {{- end }}
            resources: { requests: { storage: {{ add .Values.shards.spool.mebibytes 256 }}Mi } }
      {{- end }}
      template:
        metadata:
          labels: {{- include "ticker-operator.selector" (dict "root" . "component" "shard") | nindent 12 }}
          {{- with .Values.shards.podAnnotations }}
          annotations: {{- toYaml . | nindent 12 }}
          {{- end }}
        spec:
          serviceAccountName: {{ .Release.Name }}-shard
          terminationGracePeriodSeconds: {{ add .Values.shards.handoverSeconds 25 }}
          {{- include "ticker-operator.pod" (dict "root" . "component" "shard") | nindent 10 }}
          containers:
            - name: shard
              image: {{ include "ticker-operator.image" . | quote }}
              imagePullPolicy: {{ .Values.image.pullPolicy }}
              args:
                - shard
                - --log-level-file=/etc/logging/level
                - --handover-seconds={{ .Values.shards.handoverSeconds }}
                - --spool=/var/spool/ticker-operator
                {{- if .Values.tracing.endpoint }}
                - --trace-every={{ int .Values.tracing.batchesPerTrace }}
                {{- end }}
                - --spool-mebibytes={{ int .Values.shards.spool.mebibytes }}
                {{- with print (include "ticker-operator.marketDataArgs" .) (include "ticker-operator.redisArgs" .) | trim }}{{- . | nindent 16 }}{{- end }}
              env: {{- include "ticker-operator.downwardEnv" . | nindent 16 }}
                {{- with include "ticker-operator.tracingEnv" . | trim }}{{- . | nindent 16 }}{{- end }}
                {{- include "ticker-operator.redisEnv" . | nindent 16 }}
              ports: [{ name: http, containerPort: 9464 }]
              {{- include "ticker-operator.probes" . | nindent 14 }}
              resources: {{- toYaml .Values.shards.resources | nindent 16 }}
              securityContext: {{- include "ticker-operator.containerSecurity" . | nindent 16 }}
              volumeMounts:
                - { name: spool, mountPath: /var/spool/ticker-operator }
                {{- include "ticker-operator.loggingMounts" . | nindent 16 }}
                {{- with print (include "ticker-operator.marketDataMounts" .) (include "ticker-operator.redisMounts" .) | trim }}{{- . | nindent 16 }}{{- end }}
          volumes:
            {{- include "ticker-operator.loggingVolumes" . | nindent 12 }}
            {{- with print (include "ticker-operator.spoolVolumes" .) (include "ticker-operator.marketDataVolumes" .) (include "ticker-operator.redisVolumes" .) | trim }}{{- . | nindent 12 }}{{- end }}
{{- end }}

{{- define "ticker-operator.configName" -}}
{{ .Release.Name }}-operator-{{ include "ticker-operator.config" . | sha256sum | trunc 8 }}
{{- end }}
