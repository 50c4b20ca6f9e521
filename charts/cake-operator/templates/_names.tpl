{{/* Name of the objects: the release's, with the chart's where the release does not say it. */}}
{{- define "cake-operator.fullname" -}}
{{- $chart := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $chart .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $chart | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What a selector may hold: labels that never change over the life of a release. */}}
{{- define "cake-operator.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "cake-operator.labels" -}}
{{ include "cake-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "cake-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "cake-operator.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name: name the service account to use, or set serviceAccount.create to true" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* An image's name behind the cluster's own registry, where it has one. */}}
{{- define "cake-operator.fromRegistry" -}}
{{- with .registry }}{{ . }}/{{ end }}{{ .image -}}
{{- end -}}

{{- define "cake-operator.image" -}}
{{- $repository := required "image.repository: say where the cluster pulls the operator's image from, such as --set image.repository=registry.example.com/cake-operator (no image is published yet)" .Values.image.repository -}}
{{- $image := printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- with .Values.image.digest -}}
{{- $image = printf "%s@%s" $repository . -}}
{{- end -}}
{{- include "cake-operator.fromRegistry" (dict "registry" .Values.imageRegistry "image" $image) -}}
{{- end -}}

{{- define "cake-operator.engineImage" -}}
{{- $image := required "engine.image: say which image engine pods run where a CakeDeployment names none, such as --set engine.image=registry.example.com/cake-engine:0.1.0 (no image is published yet)" .Values.engine.image -}}
{{- include "cake-operator.fromRegistry" (dict "registry" .Values.imageRegistry "image" $image) -}}
{{- end -}}

{{/* "true" or nothing: whether this release brings a PodMonitor. */}}
{{- define "cake-operator.podMonitor" -}}
{{- if eq (toString .Values.podMonitor.enabled) "auto" -}}
{{- if .Capabilities.APIVersions.Has "monitoring.coreos.com/v1/PodMonitor" -}}true{{- end -}}
{{- else if .Values.podMonitor.enabled -}}true{{- end -}}
{{- end -}}

{{/* "true" or nothing: whether this release brings alerts, and its operator a PrometheusRule for each objective. */}}
{{- define "cake-operator.prometheusRule" -}}
{{- if eq (toString .Values.prometheusRule.enabled) "auto" -}}
{{- if .Capabilities.APIVersions.Has "monitoring.coreos.com/v1/PrometheusRule" -}}true{{- end -}}
{{- else if .Values.prometheusRule.enabled -}}true{{- end -}}
{{- end -}}

{{/* Labels of a PodMonitor: ours, and those by which the user's Prometheus selects it. */}}
{{- define "cake-operator.monitorLabels" -}}
{{- mergeOverwrite (deepCopy .Values.podMonitor.labels) (include "cake-operator.labels" . | fromYaml) | toYaml -}}
{{- end -}}
