{{/* What the operator's pods and the pod of `helm test` have in common. */}}
{{- define "cake-operator.podBasics" -}}
serviceAccountName: {{ include "cake-operator.serviceAccountName" . }}
automountServiceAccountToken: true
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
volumes:
  - name: tmp
    emptyDir: {sizeLimit: 64Mi}
  {{- with .Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Likewise of their containers. */}}
{{- define "cake-operator.containerBasics" -}}
image: {{ include "cake-operator.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  {{- $extra := dict }}
  {{- range .Values.extraEnv }}{{ $_ := set $extra .name true }}{{ end }}
  {{- range $name, $value := include "cake-operator.environment" . | fromYaml }}
  {{- if not (hasKey $extra $name) }}
  - {name: {{ $name }}, value: {{ $value | quote }}}
  {{- end }}
  {{- end }}
  {{- if not (hasKey $extra "CAKE_IDENTITY") }}
  - name: CAKE_IDENTITY
    valueFrom: {fieldRef: {fieldPath: metadata.name}}
  {{- end }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
